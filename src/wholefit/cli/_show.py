"""How things look: tables in a terminal, plain text in a file, one JSON object for machines."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Sequence
from typing import Any

import typer


def colourful() -> bool:
    """True where a person looks on: a terminal, with colours not switched off."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def say(text: str = "") -> None:
    """One line to standard output."""
    typer.echo(text)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table: framed in a terminal, aligned columns elsewhere."""
    if colourful():
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        shown = Table(box=None, pad_edge=False, header_style="bold")
        for name in header:
            shown.add_column(name, overflow="fold")
        for row in rows:
            style = "bold green" if "recommended" in row[-1] else ""
            shown.add_row(*(Text(cell) for cell in row), style=style)
        Console().print(shown)
        return
    widths = [max(len(line[at]) for line in [header, *rows]) for at in range(len(header))]
    for line in [header, *rows]:
        say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def as_json(value: Any) -> None:
    """One strict JSON value on standard output: what is not a finite number becomes null."""
    say(json.dumps(_strict(value), ensure_ascii=False, allow_nan=False, default=str))


def _strict(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(name): _strict(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(each) for each in value]
    return value
