"""What a profile is made of: plain frozen facts, JSON-able, without a row of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wholefit.data.profile._words import clipped, short

Numbers = tuple[float, ...]


@dataclass(frozen=True)
class Histogram:
    """Rows in bins of equal width: `edges` (k + 1), `counts` (k), and how many lie outside.

    Far tails are left outside, and so is `apart`, a value that most rows have (value, rows), so
    that the shape of the rest can be seen. `density` are points (x, rows a bin) of a Gaussian
    kernel estimate; empty where single whole numbers are counted.
    """

    edges: Numbers
    counts: tuple[int, ...]
    below: int = 0
    above: int = 0
    apart: tuple[float, int] | None = None
    density: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class DateFacts:
    """What is known of the times in a column.

    `step` is the typical time between neighbours that differ and `gap` the longest (start, end,
    length); `odd` are suspicious dates with their counts (in the future, 1900-01-01,
    1970-01-01, ...). `counts` are rows in each `unit` ("hour" .. "year") from `starts[0]` on.
    """

    step: str = ""
    gap: tuple[str, str, str] | None = None
    odd: tuple[tuple[str, int], ...] = ()
    unit: str = ""
    starts: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()


@dataclass(frozen=True)
class ColumnProfile:
    """One column in numbers; what its kind has no use for is None or empty.

    `kind` says how it is described: "numeric", "categorical", "text", "datetime" or "none".
    `numbers` are mean, std, min, max, mode, skew, kurtosis and quantiles; `span` the first and
    last time; `top` the most frequent levels with their counts; `words` the average words of a
    text cell and `lengths` its characters and words; `counts` are zeros, negative, infinite, the
    mode's, levels seen once, thin levels (under 30 rows) and their rows, empty cells; `lowest`,
    `highest` the extreme different values; `samples` a few cells as text.
    """

    name: str
    role: str
    dtype: str
    reason: str
    missing: int
    distinct: int
    numbers: Mapping[str, float] | None = None
    span: tuple[str, str] | None = None
    top: tuple[tuple[str, int], ...] = ()
    words: float | None = None
    kind: str = "none"
    counts: Mapping[str, int] = field(default_factory=dict)
    lengths: Mapping[str, float] | None = None
    lowest: Numbers = ()
    highest: Numbers = ()
    samples: tuple[str, ...] = ()
    histogram: Histogram | None = None
    dates: DateFacts | None = None

    def summary(self, width: int = 60) -> str:
        """What the column holds, in a few words."""
        if self.numbers:
            n = self.numbers
            return (f"{short(n['min'])} .. {short(n['median'])} .. {short(n['max'])}, "
                    f"mean {short(n['mean'])}, std {short(n['std'])}")
        if self.span:
            return f"{self.span[0]} .. {self.span[1]}"
        if self.words is not None:
            return f"{self.words:.1f} words a cell"
        return clipped(", ".join(f"{level} ({count:,})" for level, count in self.top), width)


@dataclass(frozen=True)
class Pair:
    """How strongly two columns go together.

    `kind` "numeric" has `pearson` and `spearman` in -1 .. 1; "categorical" has Cramér's V and
    "mixed" the correlation ratio, both corrected for chance, in 0 .. 1. `strength` is the larger
    size of what there is; `rows` have both values.
    """

    a: str
    b: str
    kind: str
    strength: float
    rows: int
    pearson: float | None = None
    spearman: float | None = None

    @property
    def measure(self) -> str:
        """The name of what `strength` measures."""
        if self.kind != "numeric":
            return {"categorical": "Cramér's V", "mixed": "correlation ratio"}[self.kind]
        pearson = abs(self.pearson or 0.0)
        return "Pearson" if pearson >= abs(self.spearman or 0.0) else "Spearman"

    @property
    def signed(self) -> float:
        """The strength, with the sign of a correlation."""
        if self.kind != "numeric":
            return self.strength
        found = self.pearson if self.measure == "Pearson" else self.spearman
        return self.strength if found is None else found


@dataclass(frozen=True)
class Pairs:
    """All pairs among `columns`, the strongest first; figures come from `rows` rows.

    `why` says which columns were left out, and is empty if none was.
    """

    columns: tuple[str, ...] = ()
    found: tuple[Pair, ...] = ()
    rows: int = 0
    why: str = ""

    def between(self, a: str, b: str) -> Pair | None:
        """The pair of these two columns, in either order; None if it was not measured."""
        return next((p for p in self.found if {p.a, p.b} == {a, b}), None)


@dataclass(frozen=True)
class Informs:
    """What a column tells of the target: mutual information in nats, and as a share.

    `share` is of the target's own entropy: 0 tells nothing, 1 settles it. Corrected for chance.
    """

    column: str
    nats: float
    share: float


@dataclass(frozen=True)
class Group:
    """A spread: 5, 25, 50, 75 and 95% of some rows, and the density at the picture's grid."""

    name: str
    rows: int
    box: Numbers
    density: Numbers = ()


@dataclass(frozen=True)
class ByTarget:
    """One column beside the target, ready to draw.

    `kind` "spread": `groups` of the numbers `of` on `grid`; "shares": `table[i][j]` of the rows
    with level `names[i]` have class `classes[j]`; "curve": `table` rows are a bin of the column
    (middle, rows, lower quartile, median, upper quartile of the target); "line": `table` rows are
    (rows, mean of the target, or share of the class `of`) in the periods `names`.
    """

    column: str
    kind: str
    of: str = ""
    groups: tuple[Group, ...] = ()
    grid: Numbers = ()
    names: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    table: tuple[Numbers, ...] = ()


@dataclass(frozen=True)
class Scatter:
    """Some rows of two columns as points, and the least-squares line of all rows."""

    a: str
    b: str
    points: tuple[tuple[float, float], ...]
    slope: float
    intercept: float
    pearson: float
    rows: int


@dataclass(frozen=True)
class Missing:
    """Where cells are missing: `shares[i][j]` of block j of the rows, in column i.

    Blocks are equally many rows, in order. `together` are columns whose cells are missing in
    the same rows: (a, b, correlation of being missing, rows where both are).
    """

    columns: tuple[str, ...] = ()
    shares: tuple[Numbers, ...] = ()
    block: int = 0
    together: tuple[tuple[str, str, float, int], ...] = ()
    more: int = 0


@dataclass(frozen=True)
class Shift:
    """One column in two data sets; `distance` is in 0 .. 1, and `chance` what luck alone gives.

    For numbers and times it is the largest gap between the two cumulative shares
    (Kolmogorov-Smirnov), for levels half the sum of the differences of shares (total
    variation), for text that of the words a cell. `here` and `there` hold the figures of each.
    """

    column: str
    kind: str
    distance: float
    chance: float
    missing: tuple[float, float]
    here: Mapping[str, Any] = field(default_factory=dict)
    there: Mapping[str, Any] = field(default_factory=dict)
    new: tuple[tuple[str, int], ...] = ()
    lost: tuple[tuple[str, int], ...] = ()
    edges: Numbers = ()
    shares: tuple[Numbers, Numbers] | None = None
    names: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Against:
    """Two data sets side by side: columns of only one of them, and the shift of each other one.

    Shifts are ordered, the largest first. This describes; it is no test.
    """

    source: str
    rows: int
    shifts: tuple[Shift, ...] = ()
    only_here: tuple[str, ...] = ()
    only_there: tuple[str, ...] = ()
    looked: tuple[int, int] = (0, 0)

    def column(self, name: str) -> Shift | None:
        """The shift of the column of that name; None if one of the two lacks it."""
        return next((shift for shift in self.shifts if shift.column == name), None)


@dataclass(frozen=True)
class Advice:
    """One thing to know about what the data can carry: volume, variety, velocity, veracity."""

    about: str
    sentence: str
