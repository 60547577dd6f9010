"""The records of effects: a curve along one column, a surface over two, and their words."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import polars as pl

from wholefit.base.stored import typed
from wholefit.base.wording import figures, plain
from wholefit.evaluation.score import Score

KIND_WORDS = {"ale": "accumulated local effects", "pdp": "partial dependence",
              "ice": "partial dependence, and the curves of single rows"}
# A share of composed rows beyond which a mean over them is no longer to be trusted.
_MANY_FAR = 0.15


@dataclass(frozen=True)
class Curve:
    """The points of a curve: what they are called, where they lie, the distance from the average
    answer with its band, and the share of rows nearest to each.
    """

    names: tuple[str, ...]
    places: tuple[float, ...]
    values: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    shares: tuple[float, ...]


@dataclass(frozen=True)
class Effect:
    """How the answer moves with one column.

    `told` says which number moves; `axis` is "number", "date" or "category"; `average` the mean
    answer that the curve is a distance from; `moves` whether it leaves zero at all; `swing` from
    the lowest to the highest point, with its interval. `far` holds the columns that go with this
    one and the share of composed rows that are far from all real ones; `lines` single rows'
    curves from where they start; `against` the share of rows whose curve goes the other way;
    `rug` some of the column's values.
    """

    column: str
    kind: str
    told: str
    axis: str
    curve: Curve
    average: float
    moves: bool
    swing: tuple[float, float, float]
    rows: int
    given: int
    missing: int
    level: float
    note: str = ""
    far: tuple[Any, ...] = ()
    lines: tuple[tuple[float, ...], ...] = ()
    against: float | None = None
    rug: tuple[float, ...] = ()

    @property
    def extrapolates(self) -> bool:
        """Whether it asked about many rows that are unlike any real one."""
        return bool(self.far) and self.far[1] > _MANY_FAR

    @property
    def sentences(self) -> list[str]:
        """What was found, in plain sentences."""
        found = [self._lead(), *self._steepest(), *self._rows_against(), *self._warned()]
        if self.missing:
            found.append(f"{self.missing:,} rows without a value among the points are left out.")
        if self.note:
            found.append(self.note[0].upper() + self.note[1:].rstrip(".") + ".")
        asked = f", {self.rows:,} of {self.given:,}" if self.rows + self.missing < self.given \
            else f", {self.rows:,} rows"
        found.append(f"{KIND_WORDS[self.kind].capitalize()}{asked}; band: {self.level:.0%} at each "
                     "point, rows drawn anew. It tells what the model does, not what would happen "
                     "if the value were changed.")
        return found

    def to_text(self) -> str:
        """The sentences."""
        return "\n".join(self.sentences)

    def __str__(self) -> str:
        return self.to_text()

    def frame(self) -> pl.DataFrame:
        """One row for each point."""
        curve = self.curve
        return pl.DataFrame({"value": curve.names, "effect": curve.values, "low": curve.low,
                             "high": curve.high, "share": curve.shares})

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows as text."""
        curve = self.curve
        head = [self.column, f"change [{self.level:.0%} band]", "rows near it"]
        return head, [[name, str(Score("", *at, self.level, "", 1)), f"{share:.0%}"]
                      for name, share, at in zip(
                          curve.names, curve.shares,
                          zip(curve.values, curve.low, curve.high, strict=True), strict=True)]

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return dict(plain(asdict(self)))

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Effect:
        """Read back what `to_json` wrote."""
        curve = Curve(**{name: tuple(each) for name, each in stored["curve"].items()})
        far = stored["far"]
        parts = {**stored, "curve": curve, "swing": tuple(stored["swing"]),
                 "far": (tuple(far[0]), far[1]) if far else (),
                 "lines": tuple(tuple(line) for line in stored["lines"]),
                 "rug": tuple(stored["rug"])}
        return typed(cls(**parts))

    def _lead(self) -> str:
        curve, told = self.curve, self.told
        if not self.moves:
            return (f"{_capital(told)} does not move with {self.column!r}, as far as these rows "
                    f"can tell (average {figures(self.average)}).")
        size = _sized(*self.swing)
        low, high = curve.values.index(min(curve.values)), curve.values.index(max(curve.values))
        if self.axis == "category":
            return (f"{_capital(told)} is highest where {self.column!r} is {curve.names[high]} and "
                    f"lowest where it is {curve.names[low]}: a difference of {size} (average "
                    f"{figures(self.average)}).")
        first, last = self._ends(*sorted((low, high)))
        turns = "" if (first, last) == (0, len(curve.values) - 1) else "; outside it turns back"
        return (f"From {curve.names[first]} to {curve.names[last]} of {self.column!r}, {told} "
                f"{'rises' if high > low else 'falls'} by {size}{turns} (average "
                f"{figures(self.average)}).")

    def _ends(self, first: int, last: int) -> tuple[int, int]:
        """Where the movement starts and ends; the very ends where it hardly turns back there."""
        values, little = self.curve.values, 0.1 * self.swing[0]
        if abs(values[0] - values[first]) <= little:
            first = 0
        if abs(values[-1] - values[last]) <= little:
            last = len(values) - 1
        return first, last

    def _steepest(self) -> list[str]:
        """The shortest stretch that holds half of the movement, if it is short."""
        curve = self.curve
        if not self.moves or self.axis == "category" or len(curve.values) < 5:
            return []
        size = [abs(b - a) for a, b in pairwise(curve.values)]
        half = 0.5 * sum(size)
        stretches = [(curve.places[j + 1] - curve.places[i], i, j + 1)
                     for i in range(len(size)) for j in range(i, len(size))
                     if sum(size[i:j + 1]) >= half]
        length, start, end = min(stretches)
        if length > 0.3 * (curve.places[-1] - curve.places[0]):
            return []
        return [f"Half of all its movement happens between {curve.names[start]} and "
                f"{curve.names[end]}."]

    def _rows_against(self) -> list[str]:
        if self.against is None or not self.moves or self.against < 0.05:
            return []
        return [f"For {self.against:.0%} of the rows it goes the other way: what the column does "
                "hangs on the others (see interactions)."]

    def _warned(self) -> list[str]:
        if not self.far:
            return []
        names = ", ".join(map(repr, self.far[0]))
        if not self.extrapolates:
            return []
        return [f"Beware: {self.column!r} goes with {names}, and {self.far[1]:.0%} of the rows "
                "that were composed for this curve are unlike any real row (5% would be usual). "
                "What the model says of such rows nobody has checked: read kind=\"ale\" instead."]


@dataclass(frozen=True)
class Surface:
    """How the answer moves with two columns: `values` (first, second) at a grid of points.

    For kind "ale" what the two do together beyond what each does alone, centred; for "pdp" the
    mean answer. `counts` of rows nearest to each point: where there are none nothing is known.
    """

    columns: tuple[str, str]
    kind: str
    told: str
    axes: tuple[str, str]
    names: tuple[tuple[str, ...], tuple[str, ...]]
    places: tuple[tuple[float, ...], tuple[float, ...]]
    values: tuple[tuple[float, ...], ...]
    counts: tuple[tuple[int, ...], ...]
    average: float
    rows: int
    given: int
    note: str = ""

    @property
    def empty(self) -> float:
        """Share of the combinations at which there is no row."""
        every = [count for row in self.counts for count in row]
        return sum(count == 0 for count in every) / len(every)

    @property
    def sentences(self) -> list[str]:
        """What was found, in plain sentences."""
        cells = [(value, i, j) for i, row in enumerate(self.values) for j, value in enumerate(row)
                 if self.counts[i][j]]
        low, high = min(cells), max(cells)
        together = ("beyond what each does alone, " if self.kind == "ale" else "")
        found = [f"{together}{self.told} is {_at('highest', high, self)} and "
                 f"{_at('lowest', low, self)} (average {figures(self.average)})."]
        found[0] = _capital(found[0])
        if high[0] - low[0] <= 1e-12:
            found = [f"{together}{self.told} does not move with the two together."]
            found = [_capital(found[0])]
        if self.empty > 0.2:
            found.append(f"At {self.empty:.0%} of the combinations there is no row: the model was "
                         "asked about things that do not occur, and those squares are left empty.")
        if self.note:
            found.append(self.note[0].upper() + self.note[1:])
        method = ("second-order accumulated local effects" if self.kind == "ale"
                  else "partial dependence")
        return [*found, f"{method[0].upper() + method[1:]}, {self.rows:,} rows."]

    def to_text(self) -> str:
        """The sentences."""
        return "\n".join(self.sentences)

    def __str__(self) -> str:
        return self.to_text()

    def table(self) -> tuple[list[str], list[list[str]]]:
        """The grid as text; combinations without rows are empty."""
        first, second = self.names
        head = [f"{self.columns[0]} \\ {self.columns[1]}", *second]
        return head, [[name, *(f"{value:.3g}" if count else "" for value, count in
                               zip(row, counts, strict=True))]
                      for name, row, counts in zip(first, self.values, self.counts, strict=True)]

    def frame(self) -> pl.DataFrame:
        """One row for each combination."""
        cells = [(i, j) for i in range(len(self.names[0])) for j in range(len(self.names[1]))]
        return pl.DataFrame({
            "first": [self.names[0][i] for i, _ in cells],
            "second": [self.names[1][j] for _, j in cells],
            "value": [self.values[i][j] for i, j in cells],
            "rows": [self.counts[i][j] for i, j in cells]})

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return dict(plain(asdict(self)))

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Surface:
        """Read back what `to_json` wrote."""
        nested = ("names", "places", "values", "counts")
        parts = {**stored, **{name: tuple(tuple(row) for row in stored[name]) for name in nested},
                 "columns": tuple(stored["columns"]), "axes": tuple(stored["axes"])}
        return typed(cls(**parts))


def _at(word: str, cell: tuple[float, int, int], surface: Surface) -> str:
    value, i, j = cell
    sign = "+" if surface.kind == "ale" else ""
    return (f"{word} ({value:{sign}.3g}) where {surface.columns[0]!r} is "
            f"{surface.names[0][i]} and {surface.columns[1]!r} {surface.names[1][j]}")


def _capital(words: str) -> str:
    """A sentence's first letter; names of columns stay as they are."""
    own = words.startswith(("the ", "beyond "))
    return words[0].upper() + words[1:] if own else words


def _sized(value: float, low: float, high: float) -> str:
    return str(Score("", value, min(low, value), max(high, value), 0.95, "", 1))
