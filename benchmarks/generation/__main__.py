"""python -m benchmarks.generation ring|pictures|tables|texts [options]"""

from __future__ import annotations

import importlib
import sys

PARTS = ("ring", "pictures", "tables", "texts")

if __name__ == "__main__":
    asked = sys.argv[1] if len(sys.argv) > 1 else ""
    if asked not in PARTS:
        raise SystemExit(f"say one of {', '.join(PARTS)}.")
    importlib.import_module(f"benchmarks.generation.{asked}").main(sys.argv[2:])
