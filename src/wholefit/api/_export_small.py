"""An export of a small model taught for it: what that loses and gains, and then the file."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from wholefit.api import _answers
from wholefit.api._tables import as_table
from wholefit.api.distilling import Distilled
from wholefit.artifact import exports
from wholefit.artifact.exports import Exported
from wholefit.base.errors import ExportError, ParameterError, unknown
from wholefit.training.distil import Options
from wholefit.training.distil.students import STUDENTS

# Options of distilling that an export passes on; those of its own are said as words.
_PASSED = ("metric", *(spec.name for spec in Options.specs() if spec.name != "to"))


@dataclass(frozen=True)
class ExportedStudent(Exported):
    """What an export of a student left; `distilled` compares the student with its teacher.

    `distilled.student` is the Result that was exported, which can be saved as a model file too.
    """

    distilled: Distilled | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        assert self.distilled is not None
        told = {each.name: getattr(self, each.name) for each in fields(Exported)}
        return {**Exported(**told).to_json(), "distilled": self.distilled.to_json()}

    def to_text(self) -> str:
        """The comparison, and then the file and its parity with the student."""
        return f"{self.distilled}\n\n{super().to_text()}"

    def __str__(self) -> str:
        return self.to_text()


def exported_student(
    result: Any, path: str | Path, to: str | None, rows: Any, tolerance: float | None,
    force: bool, word: str, held_out: Any, options: dict[str, Any],
) -> ExportedStudent:
    """Teach the student `word` and export it; see `Result.export`.

    `rows` are taught on, and then answered by the student and the file, or `held_out` where given.
    What can be refused is refused before the teaching.
    """
    from wholefit.api import exporting

    target = exports.named(path, to)
    passed, others = _told_apart(result, target, path, force, word, options)
    policies, reading = _answers.asked_for(others)
    learnt = None if rows is None else as_table(rows, reading)
    held = None if held_out is None else as_table(held_out, reading)
    found = result.distil(learnt, to=word, held_out=held, **passed, **policies)
    own = {name: value for name, value in options.items() if name in _own(target)}
    made = exporting.exported(found.student, path, target.NAME, learnt if held is None else held,
                              tolerance, force, {**own, **policies})
    told = {each.name: getattr(made, each.name) for each in fields(Exported)}
    return ExportedStudent(**told, distilled=found)


def _told_apart(
    result: Any, target: Any, path: str | Path, force: bool, word: str, options: dict[str, Any],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options of the teaching, and of the rows; errors for what no student could be exported as."""
    from wholefit.api import exporting

    if word == "all":
        raise ParameterError("distil must name one student for an export, "
                             f"{', '.join(STUDENTS)}; got 'all': result.distil(rows, to='all') "
                             "(wholefit distil) shows all of them side by side.")
    if word not in STUDENTS:
        raise unknown("student", word, list(STUDENTS))
    if not hasattr(result, "distil"):
        raise ParameterError("distil must be left out here: only models that predict a class or a "
                             f"number can be distilled; got one of {result.task}.")
    if Path(path).exists() and not force:
        raise ExportError(f"{path} exists: choose another path, or say force=True (--force).")
    if getattr(target, "NETWORKS", False):
        raise ExportError(f"the {target.NAME} export holds networks, and a student is none: export "
                          f"to 'onnx', 'c', 'javascript' or 'numpy', or leave distil out.")
    own = _own(target)
    passed = {name: value for name, value in options.items()
              if name in _PASSED and name not in own}
    others = {name: value for name, value in options.items()
              if name not in own and name not in passed}
    exporting.check_options(others, target.NAME, [*own, *_PASSED])
    return passed, others


def _own(target: Any) -> list[str]:
    return list(inspect.signature(target.write).parameters)[2:]
