"""`python -m benchmarks.unlabelled [PART ...]`: runs parts of this folder, a page for each."""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import sys
import traceback
from pathlib import Path

from benchmarks import _tools


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.unlabelled")
    parser.add_argument("--peer-python", default=os.environ.get("UNLABELLED_PEER_PYTHON"))
    parser.add_argument("--short", action="store_true")
    parser.add_argument("parts", nargs="*", metavar="PART")
    asked = parser.parse_args()
    wrong = sorted(set(asked.parts) - set(parts()))
    if wrong:
        parser.error(f"no part is named {', '.join(wrong)}; parts: {', '.join(parts())}")
    failed: list[str] = []
    for name in asked.parts or parts():
        found = section(name, asked.peer_python, asked.short, failed)
        text = "\n".join([
            f"# Learning without labels: {name}", "", *found, "",
            _tools.machine("wholefit", "numpy", "scipy", "scikit-learn", "polars"), "",
            f"Made by `python -m benchmarks.unlabelled {name}`."])
        if asked.short or name in failed:
            print(text)
        else:
            _tools.save(f"unlabelled_{name}", text)
    sys.exit(1 if failed else 0)


def parts() -> list[str]:
    """The names of the parts, in alphabetical order."""
    here = [str(Path(__file__).parent)]
    return sorted(m.name for m in pkgutil.iter_modules(here) if not m.name.startswith("_"))


def section(name: str, peer: str | None, short: bool, failed: list[str]) -> list[str]:
    """The lines of one part; a part that fails says so and does not stop the others."""
    print(f"{name} ...", file=sys.stderr, flush=True)
    try:
        part = importlib.import_module(f"benchmarks.unlabelled.{name}")
        found: list[str] = part.table(peer, short)
    except Exception:
        failed.append(name)
        return ["```", traceback.format_exc().rstrip(), "```"]
    return found


if __name__ == "__main__":
    main()
