"""The space of architectures: cells and what stands around them, within a limit of their price."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from wholefit import models
from wholefit.base import cells
from wholefit.base.budget import Budget, Clock
from wholefit.base.errors import BudgetError, ParameterError, unknown
from wholefit.models import Model
from wholefit.training.nas.cells import Cells
from wholefit.training.nas.limits import Limit, Limited, smallest
from wholefit.training.nas.prices import Prices
from wholefit.training.tuning._ground import Ground, configured, space_for
from wholefit.training.tuning.dimensions import Choice, Whole
from wholefit.training.tuning.space import Space

KINDS = {"rows": "cell_mlp", "pictures": "cell_cnn"}
OPS = {"cell_mlp": cells.ROWS, "cell_cnn": cells.PICTURES}
# Epochs of a full training; shorter ones take a third, and a ninth.
_EPOCHS = {"cell_mlp": 54, "cell_cnn": 18}
_ETA, _STEPS = 3, 3
# What the size of a network hangs on most; where a limit asks for it, it goes down to so many.
_WIDTH = {"cell_mlp": "width", "cell_cnn": "filters"}
_LEAST = 4


@dataclass(frozen=True)
class Asked:
    """The architectures to search, as a function of the rows they are for.

    `kind` is "rows", "pictures" or None (pictures where the table has a column of them);
    `parameters` and `latency` (seconds to answer 1,000 rows) limit what may be tried; cells have
    at most `nodes`; `given` changes the space as `wf.tune(space=...)` does.
    """

    kind: str | None = None
    parameters: int | None = None
    latency: float | None = None
    nodes: int = 3
    given: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.kind is not None and self.kind not in KINDS:
            raise unknown("kind of network", str(self.kind), KINDS)
        whole = isinstance(self.parameters, int) and not isinstance(self.parameters, bool)
        if self.parameters is not None and (not whole or self.parameters < 1):
            raise ParameterError("parameters must be a whole number >= 1; got "
                                 f"{self.parameters!r}.")
        if self.latency is not None and not (
                isinstance(self.latency, (int, float)) and self.latency > 0):
            raise ParameterError("latency must be a number of seconds above 0, for 1,000 rows; "
                                 f"got {self.latency!r}.")
        Cells.of(cells.ROWS, self.nodes)

    def __call__(self, base: Ground, clock: Clock) -> Space:
        """The space for these rows; networks are timed while the clock has time."""
        schema = base.problem.dataset.schema
        pictures = "image" in {schema.role(name) for name in schema.features}
        name = KINDS[self.kind or ("pictures" if pictures else "rows")]
        model = models.get(name).from_dict({"epochs": _EPOCHS[name]})
        stood = base.stood
        named = replace(base, stood=replace(
            stood, options=replace(stood.options, models=[model])))
        space = space_for(named, ranges(model, self.given, self.nodes), clock)
        return limited(space, Prices(base.problem), self.parameters, self.latency, clock,
                       tuple(self.given or ()))


def ranges(model: Model, given: Mapping[str, Any] | None = None, nodes: int = 3
           ) -> dict[str, Any]:
    """What is searched: cells of up to `nodes` nodes, the catalog's ranges, and three steps of
    epochs, each three times the one before (see the strategy "architecture"); changed by `given`.
    """
    most = model.to_dict()["epochs"]
    steps = [max(1, most // _ETA**at) for at in reversed(range(_STEPS))]
    return {"*": True, "cell": Cells.of(OPS[model.name], nodes),
            "epochs": Choice(tuple(dict.fromkeys(steps))), **(given or {})}


def limited(
    space: Space, prices: Any, parameters: int | None, latency: float | None,
    clock: Clock | None = None, said: Collection[str] = (),
) -> Space:
    """The part of a space of one model within a limit of parameters, of seconds for 1,000 rows, or
    both; with the clock, after which nothing more is timed.

    Where the catalog's range of widths is too wide, and no width is among the names `said`, it
    goes on below; a model whose defaults are too large has smaller ones. ParameterError where the
    smallest network is too large, BudgetError where time lacks to find that out.
    """
    if parameters is None and latency is None:
        return space
    limit = Limit(prices, parameters, latency, clock or Clock(Budget()))
    space, least = _with_room(space, limit, said)
    found = Limited(space.dims, space.models, space.encodings, space.steps, limit, least)
    label, model = next(iter(space.models.items()))
    if not limit.hurried and limit.times(model) <= 1:
        return found
    values = found.admitted(space.usual())
    own = {name.partition(".")[2]: value for name, value in values.items()
           if name.startswith(f"{label}.") and not name.endswith(".epochs")}
    return replace(found, models={label: model.replace(**own)})


def _with_room(space: Space, limit: Limit, said: Collection[str]) -> tuple[Space, dict[str, Any]]:
    """The space, its widths from where something is allowed, and the least of its sizes."""
    least, cost = smallest(space, limit)
    if cost <= 1:
        return space, least
    for wider in _wider(space, said):
        if limit.hurried:
            break
        least, cost = smallest(wider, limit)
        if cost <= 1:
            return wider, least
        space = wider
    label = next(iter(space.models))
    of_it = ", ".join(f"{name.partition('.')[2]} {_text(value)}" for name, value in least.items()
                      if name.startswith(f"{label}."))
    price = limit.price(configured(space, {**space.usual(), **least}))
    found = f"the smallest found {price}: {of_it}."
    if limit.hurried:
        raise BudgetError("the time was up before a network was found that keeps the limit, "
                          f"{limit}: give a larger budget, or allow more; {found}")
    raise ParameterError(
        f"no architecture of this space keeps the limit, {limit}: allow more, or ask for smaller "
        f"ones, such as space={{'{_WIDTH[space.models[label].name]}': (1, 4)}}; {found}")


def _wider(space: Space, said: Collection[str]) -> Iterator[Space]:
    """The space with its range of widths going on below, further and further."""
    label, model = next(iter(space.models.items()))
    short = _WIDTH[model.name]
    name = f"{label}.{short}"
    dim = space.dims.get(name)
    if not isinstance(dim, Whole) or {name, short} & set(said):
        return
    low = dim.low // 2
    while low >= _LEAST:
        yield replace(space, dims={**space.dims, name: replace(dim, low=low)})
        low //= 2


def _text(value: Any) -> str:
    return repr(list(value)) if isinstance(value, tuple) else str(value)
