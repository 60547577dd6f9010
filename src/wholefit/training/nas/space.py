"""The space of architectures: cells and what stands around them, within a limit of their price."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from wholefit import models
from wholefit.base import cells
from wholefit.base.errors import ParameterError, unknown
from wholefit.models import Model
from wholefit.training.nas.cells import Cells
from wholefit.training.nas.prices import Prices
from wholefit.training.tuning._ground import Ground, space_for
from wholefit.training.tuning.dimensions import Choice
from wholefit.training.tuning.space import Space

KINDS = {"rows": "cell_mlp", "pictures": "cell_cnn"}
OPS = {"cell_mlp": cells.ROWS, "cell_cnn": cells.PICTURES}
# Epochs of a full training; shorter ones take a third, and a ninth.
_EPOCHS = {"cell_mlp": 54, "cell_cnn": 18}
_ETA, _STEPS = 3, 3
_TRIES = 300


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

    def __call__(self, base: Ground) -> Space:
        """The space for these rows."""
        schema = base.problem.dataset.schema
        pictures = "image" in {schema.role(name) for name in schema.features}
        name = KINDS[self.kind or ("pictures" if pictures else "rows")]
        model = models.get(name).from_dict({"epochs": _EPOCHS[name]})
        stood = base.stood
        named = replace(base, stood=replace(
            stood, options=replace(stood.options, models=[model])))
        space = space_for(named, ranges(model, self.given, self.nodes))
        return limited(space, Prices(base.problem), self.parameters, self.latency)


@dataclass(frozen=True)
class Limited(Space):
    """A space of which only a part is allowed: what is drawn, and what is usual, lies in it.

    `rule` is what a model must obey, `said` the rule in words.
    """

    rule: Callable[[Model], bool] = field(default=lambda model: True, repr=False)
    said: str = ""

    def allows(self, values: Mapping[str, Any]) -> bool:
        """True if the configuration obeys the rule."""
        return self.rule(self.build(values)[0])

    def signature(self) -> str:
        """Text that differs for spaces, and for limits, that differ."""
        return f"{super().signature()}; {self.said}"

    def draw(self, rng: np.random.Generator) -> dict[str, Any]:
        """A configuration at random among those allowed; ParameterError if none is found."""
        for _ in range(_TRIES):
            values = super().draw(rng)
            if self.allows(values):
                return values
        raise ParameterError(f"no architecture of {_TRIES:,} drawn has {self.said}: allow more, or "
                             "say space={'width': (4, 32)} for smaller ones.")


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
    space: Space, prices: Any, parameters: int | None, latency: float | None
) -> Space:
    """The space within a limit of parameters, of seconds for 1,000 rows, or both.

    A model whose defaults are too large has others: the first drawn that are allowed.
    """
    if parameters is None and latency is None:
        return space

    def rule(model: Model) -> bool:
        if parameters is not None and prices.parameters(model) > parameters:
            return False
        return latency is None or prices.latency(model) <= latency

    said = [f"at most {parameters:,} parameters"] if parameters is not None else []
    said += [f"answers to 1,000 rows in {latency:g} s"] if latency is not None else []
    found = Limited(space.dims, space.models, space.encodings, space.steps, rule,
                    " and ".join(said))
    known = {label: _small_enough(found, label, model) for label, model in space.models.items()}
    return replace(found, models=known)


def _small_enough(space: Limited, label: str, model: Model) -> Model:
    if space.rule(model):
        return model
    drawn = space.draw(np.random.default_rng(0))
    own = {name.partition(".")[2]: value for name, value in drawn.items()
           if name.startswith(f"{label}.") and not name.endswith(".epochs")}
    return model.replace(**own)
