"""What a search strategy is: it suggests configurations, and is told what became of them.

A strategy neither fits nor measures anything and hears no clock. Whoever runs it asks for a
suggestion, tries it, and tells the loss; several may be tried at once, and their losses told in
any order. `state` is JSON, so that a study resumes, and is shared between processes: each asks
and tells a copy that was restored from the state the last one left.

A new strategy is one new file in `strategies/`: a class with `name`, `summary`, `Options`, made by
`cls(setting, options)`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from wholefit.base.params import Params
from wholefit.training.tuning.space import Space


@dataclass(frozen=True)
class Suggestion:
    """A configuration to try.

    `number` counts suggestions from 0; `values` maps the names of the space's active dimensions to
    values; `share`, in (0, 1], is the part of each fold's training rows to learn from; `folds` is
    how many folds to judge it by, None for all. `note` is the strategy's own memory (JSON) of what
    the suggestion was for; it comes back with `tell`.
    """

    number: int
    values: dict[str, Any]
    share: float = 1.0
    folds: int | None = None
    note: dict[str, Any] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """True if its loss can be compared with that of a final model: all rows, all folds."""
        return self.share >= 1.0 and self.folds is None


@dataclass(frozen=True)
class Setting:
    """What a strategy may know of the search it is for.

    `trials` is how many suggestions may be tried (None: as many as time allows); `rows` how many
    each fold learns from; `folds` how many folds there are; `room` for about how many trials of
    all rows and folds there is time (None: no end).
    """

    space: Space
    seed: int
    folds: int = 5
    trials: int | None = None
    rows: int = 1_000
    room: float | None = None


class Strategy(Protocol):
    """Asks and tells; everything random is derived from `setting.seed` and a number.

    `name` is its word; `summary` one sentence on when to use it; `Options` its parameters.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    Options: ClassVar[type[Params]]

    def ask(self) -> Suggestion | None:
        """The next configuration to try. None: nothing until more is told; or, when nothing asked
        for is still untold, nothing any more.
        """
        ...

    def tell(self, suggestion: Suggestion, loss: float, seconds: float) -> None:
        """What became of a suggestion: its loss, lower is better, inf where it failed."""
        ...

    def state(self) -> dict[str, Any]:
        """All that it knows, JSON-able."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Become what `state()` was taken of."""
        ...
