"""What every engineered feature has: options with bounds, names, a stored form.

A kind is a dataclass of options on `Step`. It fills in `_learn` (keep what training rows teach
in attributes that end in "_"), `_make` (values to new columns) and `_called` (their names).
What is kept must be numbers in arrays, or JSON: then it is stored without another line.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar, get_type_hints

import numpy as np

from wholefit.base.errors import ArtifactError, DataError, ParameterError, StateError, unknown
from wholefit.base.params import _KEY, Spec, _spec
from wholefit.base.state import State

Self = TypeVar("Self", bound="Step")


@dataclass(eq=False, repr=False)
class Step:
    """Base of engineered features: a transformer that obeys scikit-learn's contract.

    Class facts: `kind`, the word that names it; `summary`, what it is for; `wants`, "matrix"
    (float64 (n, columns), NaN missing) or "frame" (a polars frame of columns of any role);
    `beside`, whether its columns stay by default; `least`, how many columns it needs;
    `own_names`, that `get_feature_names_out` names what it makes; `ordered`, that it looks at
    earlier rows. After fitting, `n_features_in_` columns were seen; of a frame, `columns_`.
    """

    kind: ClassVar[str]
    summary: ClassVar[str]
    wants: ClassVar[str] = "matrix"
    beside: ClassVar[bool] = True
    least: ClassVar[int] = 1
    own_names: ClassVar[bool] = True
    ordered: ClassVar[bool] = False

    n_features_in_: int = field(init=False)
    columns_: list[str] = field(init=False)

    # What a kind fills in

    def _learn(self, values: Any, y: np.ndarray | None) -> None:
        """Keep what the training rows teach in attributes that end in "_"."""

    def _make(self, values: Any) -> np.ndarray:
        """New columns (n, made) of these values."""
        raise NotImplementedError

    def _called(self, names: list[str]) -> list[str]:
        """Names of the new columns, from those of the columns given."""
        return names

    def reads(self, columns: list[str]) -> list[str]:
        """The columns that must be handed over when these are asked for."""
        return columns

    # What a user calls

    def fit(self, X: Any, y: Any = None) -> Any:
        """Learn from training rows: a matrix (n, columns), or a frame; y (n,) where it is used."""
        self.check()
        values = self._read(X, fitting=True)
        if self._width(values) < self.least:
            raise ParameterError(f"{type(self).__name__} needs at least {self.least} columns; got "
                                 f"n_features = {self._width(values)}.")
        self._learn(values, self._target(y, len(values)))
        return self

    def transform(self, X: Any) -> np.ndarray:
        """The new columns, float64 (n, made), NaN where there is no answer."""
        if not hasattr(self, "n_features_in_"):
            raise _not_fitted(self)
        return self._make(self._read(X, fitting=False))

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Fit, then the new columns of the same rows."""
        return self.fit(X, y).transform(X)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the new columns."""
        if input_features is None:
            input_features = getattr(self, "feature_names_in_",
                                     [f"x{i}" for i in range(self.n_features_in_)])
        return np.array(self._called([str(name) for name in input_features]), dtype=object)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Options by name."""
        return {spec.name: getattr(self, spec.name) for spec in self.specs()}

    def set_params(self: Self, **params: Any) -> Self:
        """Change options."""
        for name, value in params.items():
            setattr(self, _known(type(self), name), value)
        return self

    @classmethod
    def specs(cls) -> tuple[Spec, ...]:
        """The options, in order: default, meaning and bounds of each."""
        hints = get_type_hints(cls)
        return tuple(dataclasses.replace(_spec(field, hints[field.name]),
                                         type=_runtime(hints[field.name]))
                     for field in dataclasses.fields(cls) if _KEY in field.metadata)

    def check(self) -> None:
        """Raise ParameterError for an option outside its bounds."""
        for spec in self.specs():
            value = getattr(self, spec.name)
            value = list(value) if isinstance(value, tuple) else value
            if not spec.accepts(value):
                raise ParameterError(f"{type(self).__name__}.{spec.name} {spec.rule()}; "
                                     f"got {value!r}.")

    def to_state(self) -> State:
        """Options and what was learnt, as plain data."""
        if not hasattr(self, "n_features_in_"):
            raise StateError(f"{type(self).__name__} must be fitted before it is stored.")
        learnt = {name: value for name, value in vars(self).items() if name.endswith("_")}
        if "feature_names_in_" in learnt:
            learnt["feature_names_in_"] = [str(name) for name in learnt["feature_names_in_"]]
        arrays = {n: v for n, v in learnt.items() if isinstance(v, np.ndarray)}
        plain = {n: v for n, v in learnt.items() if n not in arrays}
        options = {n: list(v) if isinstance(v, tuple) else v for n, v in self.get_params().items()}
        return State(f"engineer.{self.kind}", {"options": options, "learnt": plain}, arrays)

    @classmethod
    def from_state(cls: type[Self], state: State) -> Self:
        """The fitted step that `state` describes; its `transform` is bit-equal."""
        made = cls(**state.config["options"])
        made.check()
        for name, value in {**state.config["learnt"], **state.arrays}.items():
            if not name.endswith("_") or name.startswith("_"):
                raise ArtifactError(f"a stored {cls.__name__} holds {name!r}, which is not "
                                    "something that it learns.")
            if name == "feature_names_in_":
                value = np.array(value, dtype=object)
            setattr(made, name, value)
        return made

    def __repr__(self) -> str:
        changed = [f"{spec.name}={getattr(self, spec.name)!r}" for spec in self.specs()
                   if getattr(self, spec.name) != spec.default]
        return f"{type(self).__name__}({', '.join(changed)})"

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn's tools ask of an estimator; only they call it."""
        from sklearn.utils import InputTags, Tags, TargetTags, TransformerTags

        return Tags(estimator_type=None,
                    target_tags=TargetTags(required=bool(getattr(self, "supervised", False))),
                    transformer_tags=TransformerTags(), input_tags=InputTags(allow_nan=True))

    # Machinery

    def _read(self, X: Any, *, fitting: bool) -> Any:
        if self.wants == "frame":
            return _frame(self, X, fitting=fitting)
        return _matrix(self, X, fitting=fitting)

    def _width(self, values: Any) -> int:
        return int(values.shape[1])

    def _target(self, y: Any, rows: int) -> np.ndarray | None:
        """y where the kind learns from it: integer class codes, or float64."""
        if not getattr(self, "supervised", False):
            return None
        if y is None:
            raise DataError(f"{type(self).__name__} learns from the target: requires y to be "
                            "passed, but the target y is None; call fit(X, y).")
        y = np.asarray(y)
        if len(y) != rows:
            raise DataError(f"{type(self).__name__} needs one y for each of {rows} rows; "
                            f"got {len(y)}.")
        return _coded(y)


def _runtime(hint: Any) -> Any:
    """The types that an option takes: a sequence is checked as a list."""
    if getattr(hint, "__origin__", None) is Sequence:
        return list
    args = [arg for arg in getattr(hint, "__args__", ()) if arg is not type(None)]
    if not args:
        return hint
    return _runtime(args[0]) if len(args) == 1 else tuple(map(_runtime, args))


def _coded(y: np.ndarray) -> np.ndarray:
    """Codes stay codes, numbers numbers; labels of another type become codes in order."""
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.dtype.kind in "iub":
        return y.astype(np.int64)
    if y.dtype.kind == "f":
        if not np.isfinite(y).all():
            raise DataError("y must hold no NaN and no infinity; leave such rows out.")
        return y.astype(np.float64)
    return np.unique(y, return_inverse=True)[1].astype(np.int64)


def _known(cls: type[Step], name: str) -> str:
    names = [spec.name for spec in cls.specs()]
    if name not in names:
        raise unknown(f"option of {cls.__name__}", name, names)
    return name


def _matrix(step: Step, X: Any, *, fitting: bool) -> np.ndarray:
    """X as float64 (n, columns): a matrix is read here, anything else by scikit-learn's reader."""
    plain = type(X) is np.ndarray and X.dtype.kind in "fiub" and X.ndim == 2 and X.size > 0
    if plain and not hasattr(step, "feature_names_in_"):
        if fitting:
            step.n_features_in_ = X.shape[1]
        if X.shape[1] == step.n_features_in_:
            return np.asarray(X, dtype=np.float64)
    from sklearn.utils.validation import validate_data

    return validate_data(step, X, reset=fitting, dtype=np.float64, ensure_all_finite=False)


def _frame(step: Step, X: Any, *, fitting: bool) -> Any:
    """X as a polars frame with the columns of training: any mapping or frame of columns."""
    import polars as pl

    if not isinstance(X, pl.DataFrame):
        X = _from_other(X)
    if fitting:
        step.n_features_in_ = X.width
        step.columns_ = list(X.columns)
        return X
    absent = [name for name in step.columns_ if name not in X.columns]
    if absent:
        raise DataError(f"{type(step).__name__} needs column {absent[0]!r}, as in training; "
                        f"got {', '.join(map(repr, X.columns[:10]))}.")
    return X.select([pl.Series(X.get_column(name)) for name in step.columns_])


def _from_other(X: Any) -> Any:
    import polars as pl

    if hasattr(X, "columns") or isinstance(X, dict):
        names = list(X) if isinstance(X, dict) else list(X.columns)
        cells = [np.asarray(X[name]) for name in names]
        return pl.DataFrame([_series(str(name), cell)
                             for name, cell in zip(names, cells, strict=True)])
    values = np.asarray(X)
    values = values[:, None] if values.ndim == 1 else values
    return pl.DataFrame([_series(f"x{i}", values[:, i]) for i in range(values.shape[1])])


def _series(name: str, cells: np.ndarray) -> Any:
    import polars as pl

    if cells.dtype != object:
        return pl.Series(name, cells)
    missing = [_is_missing(cell) for cell in cells]
    return pl.Series(name, [None if no else cell for cell, no in zip(cells, missing, strict=True)],
                     strict=False)


def _is_missing(cell: Any) -> bool:
    """None, NaN, NaT, and the missing value of pandas, which is neither equal nor unequal."""
    return cell is None or type(cell).__name__ == "NAType" or bool(cell != cell)


def _not_fitted(step: Step) -> Exception:
    from sklearn.exceptions import NotFittedError

    return NotFittedError(f"{step!r} must be fitted first: call fit(X).")
