"""How things look: tables in a terminal, plain text in a file, one JSON value for machines."""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

import typer

from wholefit.base.wording import aligned, counted

Table = tuple[Sequence[str], Sequence[Sequence[str]]]
_GAP = 2
_WIDE = 110
# A name in a file must not be able to steer the terminal it is shown in.
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(9), *range(11, 32), *range(127, 160))}


def colourful() -> bool:
    """True where a person looks on: a terminal, with colours not switched off."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def say(text: str = "") -> None:
    """One line to standard output."""
    typer.echo(text.translate(_CONTROLS))


def rows(frame: Any, out: str, *, for_machines: bool, force: bool) -> None:
    """A polars frame: as JSON, or written to `out` ("-" is standard output) and said so."""
    from wholefit.data.write import write

    if for_machines:
        as_json(frame.to_dicts())
        return
    write(frame, out, force=force)
    if out != "-":
        say(f"{counted(len(frame), 'row')} written to {out}")


def aside(text: str) -> None:
    """One line to standard error, where it is in nobody's way."""
    typer.echo(text.translate(_CONTROLS), err=True)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table: aligned columns, wrapped to the width of a terminal, and never cut elsewhere."""
    rows = [[_one_line(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _in_terminal(header, rows)
        return
    for line in aligned(header, rows):
        say(line)


def narrow() -> bool:
    """True in a terminal that has no room for every column of a wide table."""
    return sys.stdout.isatty() and shutil.get_terminal_size().columns < _WIDE


def in_terminal() -> bool:
    """True where standard output is a terminal."""
    return sys.stdout.isatty()


def wrapped(text: str) -> str:
    """A sentence broken at the width of a terminal, with its indent kept; whole elsewhere."""
    room = shutil.get_terminal_size().columns
    if not sys.stdout.isatty() or len(text) <= room:
        return text
    indent = " " * (len(text) - len(text.lstrip(" ")))
    return textwrap.fill(text.strip(), room, initial_indent=indent,
                         subsequent_indent=indent + "  ", break_on_hyphens=False)


def clipped(text: str) -> str:
    """A line cut to the width of a terminal; whole elsewhere."""
    room = shutil.get_terminal_size().columns
    return text if not sys.stdout.isatty() or len(text) <= room else text[:room - 3] + "..."


def widest(make: Callable[[int], Table], most: int) -> Table:
    """The table of `make(n)` with the largest n, at most `most`, that a terminal can show whole.

    Elsewhere there is no edge, and nothing is left out.
    """
    made = make(most)
    if sys.stdout.isatty():
        room = shutil.get_terminal_size().columns
        while most > 1 and sum(_widths(*made)) + _GAP * (len(made[0]) - 1) > room:
            most -= 1
            made = make(most)
    return made


def as_json(value: Any) -> None:
    """One strict JSON value on standard output: what is not a finite number becomes null."""
    utf8 = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "") == "utf8"
    typer.echo(json.dumps(_strict(value), ensure_ascii=not utf8, allow_nan=False, default=str))


def _in_terminal(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table as Shown
    from rich.text import Text

    shown = Shown(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for at, name in enumerate(header):
        # What a row is called is never broken in two.
        shown.add_column(Text(name), overflow="fold", no_wrap=at == 0)
    for row in rows:
        style = "bold green" if "recommended" in row[-1] else ""
        shown.add_row(*(Text(cell) for cell in row), style=style)
    Console().print(shown)


def _widths(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(len(line[at]) for line in [header, *rows]) for at in range(len(header))]


def _one_line(cell: str) -> str:
    return cell.replace("\n", "\\n").translate(_CONTROLS)


def _strict(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(name): _strict(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(each) for each in value]
    return value
