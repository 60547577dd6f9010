"""The space of a search: named dimensions over one or more models and what comes before them.

Names reach into the pipeline: "lightgbm.learning_rate" is a parameter of a model,
"encoding.degree" of how columns become features (`features.Encoding`), and "model" says which
model, where there are several. With one model, "learning_rate" is enough.

>>> space = Space.of(["ridge"], {"alpha": (0.01, 100.0), "encoding.degree": [1, 2]})
>>> sorted(space.dims)
['encoding.degree', 'ridge.alpha']
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wholefit import models
from wholefit.base.errors import ParameterError, WholefitError, unknown
from wholefit.base.tasks import Task
from wholefit.features import custom
from wholefit.features.encoding import Encoding
from wholefit.models import Model
from wholefit.training._search import candidates_by_label
from wholefit.training.tuning import _guests
from wholefit.training.tuning._reading import dimension, of_catalog
from wholefit.training.tuning.dimensions import Choice, Dimension, jsonable

MODEL = "model"
ENCODING = "encoding."
FEATURES = "features."
# What a range on a log scale has in place of 0.
_NEXT_TO_NONE = 1e-6


@dataclass(frozen=True)
class Space:
    """Dimensions by full name, and the models they change, by label.

    A dimension of a model is active only in configurations of that model; `model` and those of
    the encoding are always active, and engineered features, of which `steps` has each by name.
    `encodings` are the families' own, by label, where known.
    """

    dims: dict[str, Dimension]
    models: dict[str, Model]
    encodings: dict[str, Encoding] = field(default_factory=dict)
    steps: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls, candidates: Iterable[Any], given: Mapping[str, Any] | None = None,
        encoding: Mapping[str, Any] | None = None, task: Task | None = None,
    ) -> Space:
        """The space asked for.

        `given` maps names to a (low, high), a list, a scipy distribution, a dimension, or one
        value; None takes the catalog's own ranges for every parameter that is at its default, with
        `encoding`. Beside others, `{"*": True}` adds the catalog's, and a name with None takes that
        one out. Raises UnknownNameError and ParameterError.
        """
        by_label = candidates_by_label([models.make(model) for model in candidates])
        if not by_label:
            raise ParameterError("a space must have at least one model; got none.")
        known = {} if given is None else dict(given)
        steps = {step.name: step for step in custom.steps(known.pop("features", None) or ())}
        dims = _catalog(by_label, encoding or {}) if given is None or known.pop("*", False) else {}
        for word, wanted in known.items():
            name = _full(word, by_label)
            if wanted is None:
                dims.pop(name, None)
            else:
                dims[name] = _read(name, wanted, by_label)
        dims |= {FEATURES + name: Choice((False, True)) for name in steps}
        if len(by_label) > 1:
            dims = {MODEL: Choice(tuple(by_label)), **dims}
        if not dims:
            raise ParameterError(
                f"there is nothing to search: {', '.join(by_label)} has no ranges in the catalog; "
                "say space={'parameter': (low, high)}.")
        return cls(dims, by_label, {} if task is None else {
            label: model.encoding(task) for label, model in by_label.items()}, steps)

    # Configurations

    def active(self, label: str) -> list[str]:
        """Names of the dimensions that a configuration of the labelled model has, in order."""
        return [name for name in self.dims
                if name == MODEL or name.startswith((ENCODING, FEATURES))
                or _owner(name) == label]

    def label(self, values: Mapping[str, Any]) -> str:
        """The label of the model that a configuration is of."""
        return str(values.get(MODEL, next(iter(self.models))))

    def draw(self, rng: np.random.Generator) -> dict[str, Any]:
        """A configuration at random; every dimension uses one number of `rng`, active or not."""
        return self.at(dict(zip(self.dims, rng.random(len(self.dims)).tolist(), strict=True)))

    def allows(self, values: Mapping[str, Any]) -> bool:
        """True if a configuration may be tried: all may, but in a space with a limit."""
        return True

    def admitted(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The configuration, or the nearest to it that may be tried."""
        return dict(values)

    def at(self, places: Mapping[str, float]) -> dict[str, Any]:
        """The configuration at places in [0, 1]; a dimension without one is at its middle."""
        values = {name: dim.at(places.get(name, 0.5)) for name, dim in self.dims.items()}
        return {name: values[name] for name in self.active(self.label(values))}

    def places(self, values: Mapping[str, Any]) -> dict[str, float]:
        """Where in [0, 1] the values of a configuration lie."""
        return {name: self.dims[name].place(value) for name, value in values.items()}

    def mended(self, values: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        """A mixture of configurations made one: what is not active goes, what lacks is drawn."""
        fresh = rng.random(len(self.dims))
        found = {name: values.get(name, dim.at(float(fresh[place])))
                 for place, (name, dim) in enumerate(self.dims.items())}
        return {name: found[name] for name in self.active(self.label(found))}

    def usual(self, label: str | None = None) -> dict[str, Any]:
        """The model's default configuration, or the nearest to it that lies in the space."""
        label = label or next(iter(self.models))
        values = {name: _nearest(dim, self._default(name, label)) for name, dim in self.dims.items()
                  if name != MODEL}
        if MODEL in self.dims:
            values[MODEL] = label
        return {name: values[name] for name in self.active(label)}

    def has_defaults(self, label: str) -> bool:
        """True if `usual` is the model's defaults indeed, or a penalty next to none for none."""
        return all(value == (default := self._default(name, label)) or (
            default == 0 and isinstance(value, float) and value <= _NEXT_TO_NONE)
            for name, value in self.usual(label).items() if name != MODEL)

    def size(self) -> float:
        """How many configurations there are; infinity unless every dimension is a choice."""
        total = 0.0
        for label in self.models:
            options = [len(dim.options) if isinstance(dim, Choice) else np.inf
                       for name, dim in self.dims.items()
                       if name != MODEL and name in self.active(label)]
            total += float(np.prod(options)) if options else 1.0
        return total

    def key(self, values: Mapping[str, Any]) -> str:
        """Text that is equal for equal configurations."""
        return json.dumps(self.packed(values), sort_keys=True)

    # What becomes of them

    def build(self, values: Mapping[str, Any]) -> tuple[Model, dict[str, Any]]:
        """The model of a configuration, and its changes to the encoding.

        Raises ParameterError where values do not go together.
        """
        label = self.label(values)
        model = self.models[label]
        own = {name.partition(".")[2]: value for name, value in values.items()
               if name != MODEL and _owner(name) == label}
        changes = {name[len(ENCODING):]: value for name, value in values.items()
                   if name.startswith(ENCODING)}
        return (model.replace(**own) if own else model), changes

    def chosen(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """The engineered features that are in."""
        return tuple(step for name, step in self.steps.items() if values.get(FEATURES + name))

    def packed(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """A configuration as JSON holds it."""
        return {name: jsonable(value) for name, value in values.items()}

    def unpack(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """A configuration as it was before JSON; WholefitError if it is none of this space."""
        try:
            return {name: self._unpacked(name, value) for name, value in stored.items()}
        except (ParameterError, KeyError, TypeError, AttributeError) as error:
            raise WholefitError(f"a stored configuration is none of this space: {error}") from error

    def signature(self) -> str:
        """Text that differs for spaces that differ; for a study to know its own."""
        facts = {"dims": {name: dim.to_json() for name, dim in self.dims.items()},
                 "models": {label: {"name": model.name, **_guests.plain(model)}
                            for label, model in self.models.items()}}
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]

    def _default(self, name: str, label: str) -> Any:
        """A dimension's value in the labelled model, or its owner, as it is without a search."""
        if name.startswith(FEATURES):
            return False
        if name.startswith(ENCODING):
            return getattr(self.encodings.get(label, Encoding()), name[len(ENCODING):])
        owner, _, param = name.partition(".")
        return _guests.value(self.models[owner], param)

    def _unpacked(self, name: str, value: Any) -> Any:
        dim = self.dims[name]
        if not isinstance(dim, Choice):
            dim.place(value)
            return value
        for option in dim.options:
            if json.dumps(jsonable(option)) == json.dumps(value):
                return option
        raise ParameterError(f"{name} is none of its options: {value!r}.")


def _nearest(dim: Dimension, value: Any) -> Any:
    """The value if the dimension has it, else its nearest bound, else its middle."""
    try:
        dim.place(value)
        return value
    except ParameterError:
        low, high = getattr(dim, "low", None), getattr(dim, "high", None)
        if low is None or high is None or isinstance(value, bool) or not isinstance(
                value, (int, float)):
            return dim.at(0.5)
        return min(max(value, low), high)


def _owner(name: str) -> str:
    return name.partition(".")[0]


def _catalog(by_label: dict[str, Model], encoding: Mapping[str, Any]) -> dict[str, Dimension]:
    """The catalog's ranges of every parameter that is at its default, and the encoding's."""
    found = {f"{label}.{name}": dim for label, model in by_label.items()
             for name, dim in of_catalog(model).items()}
    return {**found, **{ENCODING + name: _read(ENCODING + name, wanted, by_label)
                        for name, wanted in encoding.items()}}


def _full(word: str, by_label: dict[str, Model]) -> str:
    """The full name of what a user named."""
    if word == MODEL:
        raise ParameterError("space chooses among models by itself; name them in models=, not "
                             "'model' in space=.")
    owner, dot, param = word.partition(".")
    encoding = [spec.name for spec in Encoding.specs()]
    if dot:
        if owner + dot == ENCODING:
            if param not in encoding:
                raise unknown("encoding", param, encoding)
            return word
        if owner not in by_label:
            raise unknown("model of the space", owner, [*by_label, "encoding"])
        _guests.check(by_label[owner], param)
        return word
    holders = [label for label, model in by_label.items() if _guests.has(model, word)]
    if len(by_label) == 1 and holders:
        return f"{holders[0]}.{word}"
    if word in encoding:
        return ENCODING + word
    if holders:
        raise ParameterError(f"{word!r} must say of which model it is, as in "
                             f"'{holders[0]}.{word}', as there are several.")
    raise unknown("dimension", word, [
        *(name for model in by_label.values() for name in _guests.names(model)), *encoding])


def _read(name: str, wanted: Any, by_label: dict[str, Model]) -> Dimension:
    if name.startswith(ENCODING):
        specs = {spec.name: spec for spec in Encoding.specs()}
        return dimension(name, wanted, specs[name[len(ENCODING):]])
    label, _, param = name.partition(".")
    return dimension(name, wanted, _guests.spec(by_label[label], param))
