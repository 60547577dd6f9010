"""A fitted scikit-learn pipeline read into State: what it learnt, as numbers and words.

Read are the steps that stand in most pipelines (columns apart, imputing, scaling, one-hot and
ordinal codes, selection, projection, powers). What is none of them has no state, and whoever
reads a pipeline proves the state against it before trusting it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wholefit.base.errors import StateError
from wholefit.base.state import State
from wholefit.models._kernels.steps import FUNCTIONS
from wholefit.models._states import at_home, floats


def read(steps: Sequence[Any], names: Sequence[str]) -> State:
    """The state of fitted transformers, one after another, given columns of these names."""
    return _chain([_read(step, list(names) if at == 0 else None)
                   for at, step in enumerate(steps)])


def _chain(parts: Sequence[State]) -> State:
    return State("step.chain", {}, parts={str(at): part for at, part in enumerate(parts)})


def _read(step: Any, names: list[str] | None) -> State:
    if step is None or (isinstance(step, str) and step == "passthrough"):
        return _chain([])
    kind = type(step).__name__
    if not at_home(step):
        raise StateError(f"{kind} is not scikit-learn's: it has no reader.")
    if kind == "Pipeline":
        return read([inner for _, inner in step.steps], names or [])
    if kind == "ColumnTransformer":
        return _columns(step, names)
    if kind == "FeatureUnion":
        every = list(range(step.n_features_in_))
        parts = [_read(inner, names) for _, inner in step.transformer_list]
        return _side_by_side(parts, [every] * len(parts))
    if hasattr(step, "get_support"):
        return State("step.pick", {"picked": [int(at) for at in step.get_support(indices=True)]})
    if kind not in _READERS:
        raise StateError(f"a pipeline's {kind} has no reader.")
    return _READERS[kind](step)


def _side_by_side(parts: Sequence[State], picks: Sequence[list[int]]) -> State:
    return State("step.columns", {"picks": list(picks)},
                 parts={str(at): part for at, part in enumerate(parts)})


def _columns(step: Any, names: list[str] | None) -> State:
    known = names or [str(name) for name in getattr(step, "feature_names_in_", [])]
    parts, picks = [], []
    for _, inner, wanted in step.transformers_:
        if isinstance(inner, str) and inner == "drop":
            continue
        picked = _places(wanted, known, step.n_features_in_)
        if not picked:
            continue
        parts.append(_read(inner, [known[at] for at in picked] if known else None))
        picks.append(picked)
    return _side_by_side(parts, picks)


def _places(wanted: Any, known: list[str], width: int) -> list[int]:
    """The numbers of the columns that a ColumnTransformer gives to one of its parts."""
    if isinstance(wanted, slice) and not isinstance(wanted.start or wanted.stop, str):
        return list(range(width))[wanted]
    if isinstance(wanted, (str, slice)) or np.isscalar(wanted):
        raise StateError(f"columns given as {wanted!r} have no reader: give a list.")
    cells = list(wanted)
    if cells and all(isinstance(cell, (bool, np.bool_)) for cell in cells):
        return [at for at, cell in enumerate(cells) if cell]
    return [known.index(cell) if isinstance(cell, str) else int(cell) for cell in cells]


def _plain(value: Any) -> Any:
    """A category as JSON can hold it; missing is None."""
    value = value.item() if isinstance(value, np.generic) else value
    if value is None or (isinstance(value, float) and value != value):
        return None
    if not isinstance(value, (str, int, float, bool)):
        raise StateError(f"a category of type {type(value).__name__} has no stored form.")
    return value


def _imputer(step: Any) -> State:
    fill = [_plain(value) for value in step.statistics_]
    flags = [] if step.indicator_ is None else [int(at) for at in step.indicator_.features_]
    return State("step.impute", {"fill": fill, "missing": _plain(step.missing_values),
                                 "flags": flags})


def _scaling(**names: str) -> Callable[[Any], State]:
    """A reader of a scaler: the attribute that each of the scale step's arrays comes from."""

    def reader(step: Any) -> State:
        arrays = {ours: floats(getattr(step, theirs)) for ours, theirs in names.items()
                  if getattr(step, theirs, None) is not None}
        return State("step.scale", {"clip": None}, arrays)

    return reader


def _min_max(step: Any) -> State:
    clip = [float(end) for end in step.feature_range] if step.clip else None
    return State("step.scale", {"clip": clip},
                 {"multiply": floats(step.scale_), "add": floats(step.min_)})


def _one_hot(step: Any) -> State:
    if step.drop_idx_ is not None and any(f is not None for f in _infrequent(step)):
        raise StateError("OneHotEncoder with both drop and infrequent categories has no reader.")
    drops = step.drop_idx_ if step.drop_idx_ is not None else [None] * len(step.categories_)
    features = []
    for levels, rare, drop in zip(step.categories_, _infrequent(step), drops, strict=True):
        features.append(_lights([_plain(level) for level in levels],
                                None if rare is None else {_plain(r) for r in rare}, drop,
                                step.handle_unknown))
    return State("step.onehot", {"features": features})


def _infrequent(step: Any) -> list[Any]:
    limited = step.min_frequency is not None or step.max_categories is not None
    return list(step.infrequent_categories_) if limited else [None] * len(step.categories_)


def _lights(levels: list[Any], rare: set[Any] | None, drop: Any, unknown: str) -> dict[str, Any]:
    """Which of the 0/1 columns each level lights, and what an unknown one does."""
    common = [level for at, level in enumerate(levels)
              if level not in (rare or ()) and (drop is None or at != drop)]
    place = {level: at for at, level in enumerate(common)}
    last = len(common) if rare else -1
    places = [place.get(level, last) for level in levels]
    other = {"error": None, "ignore": -1, "warn": last, "infrequent_if_exist": last}[unknown]
    return {"values": levels, "places": places, "width": len(common) + bool(rare),
            "unknown": other}


def _ordinal(step: Any) -> State:
    if step.min_frequency is not None or step.max_categories is not None:
        raise StateError("OrdinalEncoder with infrequent categories has no reader.")
    features = []
    for levels in step.categories_:
        values = [_plain(level) for level in levels]
        codes: list[Any] = [float(at) if value is not None else _plain(step.encoded_missing_value)
                            for at, value in enumerate(values)]
        refuse = step.handle_unknown == "error"
        features.append({"values": values, "codes": codes,
                         "unknown": None if refuse else _unknown_code(step)})
    return State("step.ordinal", {"features": features})


def _unknown_code(step: Any) -> float:
    code = float(step.unknown_value)
    if code != code:
        raise StateError("OrdinalEncoder(unknown_value=nan) has no reader: give a number.")
    return code


def _pca(step: Any) -> State:
    arrays = {"mean": floats(step.mean_), "components": floats(step.components_)}
    if step.whiten:
        arrays["divide"] = np.sqrt(floats(step.explained_variance_))
    return State("step.project", {}, arrays)


def _svd(step: Any) -> State:
    return State("step.project", {}, {"components": floats(step.components_)})


def _polynomial(step: Any) -> State:
    return State("step.powers", {}, {"powers": np.asarray(step.powers_, dtype=np.int64)})


def _function(step: Any) -> State:
    if step.func is None:
        return _chain([])
    name = getattr(step.func, "__name__", "")
    if name not in FUNCTIONS or getattr(np, name, None) is not step.func or step.kw_args:
        raise StateError(f"FunctionTransformer({name or step.func!r}) has no reader: only "
                         f"numpy's {', '.join(sorted(FUNCTIONS))} have.")
    return State("step.function", {"name": name})


def _power(step: Any) -> State:
    if step.method != "yeo-johnson":
        raise StateError(f"PowerTransformer(method={step.method!r}) has no reader.")
    bent = State("step.yeo_johnson", {}, {"lambdas": floats(step.lambdas_)})
    return _chain([bent, _READERS["StandardScaler"](step._scaler)]) if step.standardize else bent


def _bins(step: Any) -> State:
    if step.encode != "ordinal":
        raise StateError("KBinsDiscretizer has a reader only with encode='ordinal'.")
    return State("step.bins", {}, {str(at): floats(edges[1:-1])
                                   for at, edges in enumerate(step.bin_edges_)})


_READERS: dict[str, Callable[[Any], State]] = {
    "FunctionTransformer": _function, "KBinsDiscretizer": _bins, "MaxAbsScaler":
    _scaling(divide="scale_"), "MinMaxScaler": _min_max, "OneHotEncoder": _one_hot,
    "OrdinalEncoder": _ordinal, "PCA": _pca, "PolynomialFeatures": _polynomial,
    "PowerTransformer": _power, "RobustScaler": _scaling(subtract="center_", divide="scale_"),
    "SimpleImputer": _imputer, "StandardScaler": _scaling(subtract="mean_", divide="scale_"),
    "TruncatedSVD": _svd,
}
