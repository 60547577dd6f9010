"""The command line: the same words as the Python face, and no logic of its own.

Exit codes: 0 done; 1 an error said in one sentence; 2 wrong usage; 70 a fault of wholefit
itself (WHOLEFIT_DEBUG=1 shows where); 130 interrupted before anything was finished.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from wholefit.cli import _app


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line; `argv` without the program's name, sys.argv's by default."""
    sys.exit(_app.run(list(sys.argv[1:] if argv is None else argv)))
