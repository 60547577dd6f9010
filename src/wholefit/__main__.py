"""`python -m wholefit` is the command line."""

from __future__ import annotations

from wholefit.cli import main

main()
