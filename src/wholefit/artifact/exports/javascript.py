"""JavaScript: one ES module that scores rows without any dependency."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from wholefit.artifact.exports import _javascript_run
from wholefit.artifact.exports._of_subject import filled, program_of, refused, template
from wholefit.artifact.exports._program import Column, Program, Reg, Table, Words
from wholefit.artifact.exports._subject import Subject

NAME, EXTENSION = "javascript", ".mjs"
SAID = "one ES module for browsers, Node and edge workers, without dependencies"
TOLERANCE = 1e-6

_MOST = 64_000_000


def write(fitted: Subject, path: Path) -> None:
    """Write the module."""
    program = program_of(fitted, NAME, _MOST)
    with refused(NAME):
        text = source(program, path.name)
    path.write_text(text, encoding="ascii")


def open(path: Path) -> _javascript_run.Module:
    """What answers from the module: it is run by the JavaScript runtime that is found."""
    return _javascript_run.Module(Path(path))


def source(program: Program, file: str) -> str:
    """The text of the module."""
    return filled("frame.js", {
        "title": f"Answers of a fitted model of {_comment(program.task) or 'a table'}.",
        "file": _comment(file),
        "first": _comment(program.columns[0].name if program.columns else "column"),
        "model": json.dumps(model(program), ensure_ascii=True, allow_nan=False),
        "operations": template("operations.js") + template("models.js"),
    })


def model(program: Program) -> dict[str, Any]:
    """The program as JSON: tables in base64, arguments as pairs of kind and value."""
    return {
        "labels": list(program.classes), "rule": program.rule, "answer": program.answer.at,
        "columns": [{"name": cell.name, "kind": cell.kind, "spelt": {
            level.lower(): level for level in cell.levels if level.lower() in ("true", "false")}}
            for cell in program.columns],
        "registers": [register.width for register in program.registers],
        "tables": [[table.dtype.str[1:], base64.b64encode(table.tobytes()).decode()]
                   for table in program.tables],
        "words": program.words,
        "steps": [[op.name, op.out.at, op.start, op.width, [_argument(arg) for arg in op.args]]
                  for op in program.ops]}


def _argument(arg: Any) -> list[Any]:
    for kind, letter in ((Reg, "r"), (Table, "t"), (Words, "w"), (Column, "c")):
        if isinstance(arg, kind):
            return [letter, arg.at]
    if arg != arg:
        return ["n", "nan"]
    return ["n", "inf" if arg == float("inf") else arg]


def _comment(text: str) -> str:
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in " ._-") else "_"
                   for letter in text)
