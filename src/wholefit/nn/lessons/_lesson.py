"""What a lesson leaves, what its pictures are made of, and the names of all lessons."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.errors import ParameterError, unknown

Numbers = tuple[float, ...]


@dataclass(frozen=True)
class Chart:
    """Lines over one axis: (name, places, heights) each; logarithmic where it says so."""

    title: str
    across: str
    up: str
    lines: tuple[tuple[str, Numbers, Numbers], ...]
    log_across: bool = False
    log_up: bool = False


@dataclass(frozen=True)
class Plane:
    """Answers over a square: `shades` (rows from low to high) in 0..1, and marked points.

    A point is (x, y, class); `low` and `high` are the ends of both axes.
    """

    title: str
    low: float
    high: float
    shades: tuple[Numbers, ...]
    points: tuple[tuple[float, float, int], ...]


@dataclass(frozen=True)
class Tiles:
    """Small pictures side by side, each with its words; `signed` where zero is the middle."""

    title: str
    pictures: tuple[tuple[str, tuple[Numbers, ...]], ...]
    signed: bool = False


Picture = Chart | Plane | Tiles


@dataclass(frozen=True)
class Lesson:
    """What an experiment found: sentences, named numbers, a table, pictures.

    `numbers` are what the sentences rest on; `header` and `rows` are the table.
    """

    name: str
    question: str
    said: tuple[str, ...]
    numbers: dict[str, float]
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    pictures: tuple[Picture, ...] = ()

    def to_text(self) -> str:
        """The question, and what was found."""
        return "\n".join([self.question, *(f"- {line}" for line in self.said)])

    def to_json(self) -> dict[str, Any]:
        """Everything but the pictures, as plain JSON values."""
        return {"name": self.name, "question": self.question, "said": list(self.said),
                "numbers": dict(self.numbers), "header": list(self.header),
                "rows": [list(row) for row in self.rows]}

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows; both empty where a lesson has no table."""
        return list(self.header), [list(row) for row in self.rows]


@dataclass(frozen=True)
class Entry:
    """A lesson before it is run: its name, its question, the function."""

    name: str
    question: str
    run: Callable[..., Lesson]


LESSONS: dict[str, Entry] = {}
Run = Callable[..., Lesson]


def lesson(name: str, question: str) -> Callable[[Run], Run]:
    """Put the function's lesson in the list; it gives a `Lesson` made by `found`."""
    def enter(run: Run) -> Run:
        LESSONS[name] = Entry(name, question, run)
        return run

    return enter


def found(
    name: str, said: Sequence[str], numbers: dict[str, float], *, header: Sequence[str] = (),
    rows: Sequence[Sequence[Any]] = (), pictures: Sequence[Picture] = (),
) -> Lesson:
    """The record of the lesson of that name."""
    plain = {key: float(value) for key, value in numbers.items()}
    cells = tuple(tuple(str(cell) for cell in row) for row in rows)
    return Lesson(name, LESSONS[name].question, tuple(said), plain, tuple(header), cells,
                  tuple(pictures))


def get(name: str) -> Entry:
    """The lesson of that name; UnknownNameError for a misspelt one."""
    if name not in LESSONS:
        raise unknown("lesson", name, sorted(LESSONS))
    return LESSONS[name]


def check(name: str, options: dict[str, Any]) -> None:
    """ParameterError for an option that the lesson does not take, or a seed that is none."""
    known = inspect.signature(get(name).run).parameters
    for option in options:
        if option not in known:
            raise ParameterError(f"the lesson {name!r} takes {', '.join(known) or 'no options'}; "
                                 f"got {option!r}.")
    seed = options.get("seed", 0)
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ParameterError(f"lesson seed must be a whole number >= 0; got {seed!r}.")


def grid(values: np.ndarray) -> tuple[Numbers, ...]:
    """A matrix as tuples."""
    return tuple(tuple(float(value) for value in row) for row in np.asarray(values))


def line(name: str, across: Sequence[float], up: Sequence[float]) -> tuple[str, Numbers, Numbers]:
    """A line of a chart."""
    return name, tuple(map(float, across)), tuple(map(float, up))
