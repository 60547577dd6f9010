"""`wf.lesson`, `wf.lessons`: what is told of neural networks, computed when it is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wholefit.api._shown import Paged, as_kind
from wholefit.base.optional import need


def _room() -> Any:
    """The lessons; DependencyError says what to install where torch is missing."""
    need("torch", extra="deep", user="a lesson")
    from wholefit.nn import lessons as room

    return room


def lessons() -> dict[str, str]:
    """Names of all lessons, each with the question that it answers."""
    return {entry.name: entry.question for entry in _room().describe()}


@dataclass(frozen=True)
class Lesson(Paged):
    """What a lesson found: `said`, `numbers`, a table, pictures; see `wholefit.nn.lessons`."""

    name: str
    question: str
    said: tuple[str, ...]
    numbers: dict[str, float]
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    pictures: tuple[Any, ...]

    _topic = "lessons"

    def to_text(self) -> str:
        """The question, and what was found."""
        return str(_room().Lesson.to_text(self))

    def to_json(self) -> dict[str, Any]:
        """Everything but the pictures, as plain JSON values."""
        found: dict[str, Any] = _room().Lesson.to_json(self)
        return found

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows; both empty where a lesson has no table."""
        return list(self.header), [list(row) for row in self.rows]


def lesson(name: str, **options: Any) -> Lesson:
    """Run the experiment of that name (seconds), and give what it found.

    `wf.lesson("xor").numbers` are its numbers, `.report("page.html")` writes its page. `options`
    are the lesson's own: `seed` in most, `images` and `labels` in "edges". The same seed gives the
    same numbers. Raises UnknownNameError for a misspelt name, ParameterError for an option it does
    not take.
    """
    return as_kind(Lesson, _room().run(name, **options))
