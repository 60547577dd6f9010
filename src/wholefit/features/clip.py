"""Clip numbers at quantiles learnt in training: a transformer to copy from.

>>> clipper = QuantileClipper(threshold=25).fit([[0.0], [1.0], [2.0], [3.0], [100.0]])
>>> clipper.transform([[-9.0], [2.5], [100.0]]).ravel().tolist()
[1.0, 2.5, 3.0]

Whoever writes a transformer needs `fit` and `transform`; `get_params` and `set_params` let
scikit-learn's own tools copy and search it; `to_state` and `from_state` let it be saved.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.base.errors import ParameterError, unknown
from wholefit.base.state import State

KIND = "transformer.quantile_clipper"


class QuantileClipper:
    """Brings values outside the quantiles threshold % and 100 - threshold % to those quantiles.

    Quantiles are learnt by `fit` from finite values, each column apart, by linear
    interpolation; infinities are clipped, missing values (NaN) stay missing. A scikit-learn
    transformer: float64 (n, columns) in and out; after fitting, `lower_` and `upper_` are
    (columns,) and `n_features_in_` is their number.
    """

    lower_: np.ndarray
    upper_: np.ndarray
    n_features_in_: int

    def __init__(self, threshold: float = 1.0) -> None:
        self.threshold = threshold

    def fit(self, X: Any, y: Any = None) -> QuantileClipper:
        """Learn the two quantiles of each column of X (n, columns)."""
        if not 0 <= self.threshold <= 50:
            raise ParameterError("QuantileClipper.threshold must be >= 0 and <= 50 (%); "
                                 f"got {self.threshold!r}.")
        X = _matrix(self, X, fitting=True)
        shares = (self.threshold / 100, 1 - self.threshold / 100)
        bounds = [_quantiles(column[np.isfinite(column)], shares) for column in X.T]
        self.lower_, self.upper_ = np.array(bounds).T
        return self

    def transform(self, X: Any) -> np.ndarray:
        """X with outlying values at the quantiles; a column without any stays as it is."""
        if not hasattr(self, "lower_"):
            raise _not_fitted(self)
        X = _matrix(self, X, fitting=False)
        return np.clip(X, _or(self.lower_, -np.inf), _or(self.upper_, np.inf))

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Fit, then transform the same rows."""
        return self.fit(X, y).transform(X)

    def get_feature_names_out(self, names: Any = None) -> np.ndarray:
        """The names given: columns stay what they were."""
        if names is None:
            names = getattr(self, "feature_names_in_",
                            [f"x{i}" for i in range(self.n_features_in_)])
        return np.array(names, dtype=object)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Hyper-parameters by name."""
        return {"threshold": self.threshold}

    def set_params(self, **params: Any) -> QuantileClipper:
        """Change hyper-parameters."""
        for name, value in params.items():
            if name != "threshold":
                raise unknown("parameter of QuantileClipper", name, ["threshold"])
            self.threshold = value
        return self

    def to_state(self) -> State:
        """The quantiles as arrays."""
        return State(KIND, {"threshold": self.threshold},
                     {"lower": self.lower_, "upper": self.upper_})

    @classmethod
    def from_state(cls, state: State) -> QuantileClipper:
        """The fitted clipper that `state` describes."""
        made = cls(**state.config)
        made.lower_, made.upper_ = state.arrays["lower"], state.arrays["upper"]
        made.n_features_in_ = len(made.lower_)
        return made

    def __repr__(self) -> str:
        return f"QuantileClipper(threshold={self.threshold!r})"

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn's tools ask of an estimator; only they call it."""
        from sklearn.utils import InputTags, Tags, TargetTags, TransformerTags

        return Tags(estimator_type=None, target_tags=TargetTags(required=False),
                    transformer_tags=TransformerTags(), input_tags=InputTags(allow_nan=True))


def _quantiles(known: np.ndarray, shares: tuple[float, float]) -> np.ndarray:
    return np.quantile(known, shares) if len(known) else np.full(2, np.nan)


def _or(bounds: np.ndarray, open_end: float) -> np.ndarray:
    return np.where(np.isnan(bounds), open_end, bounds)


def _matrix(clipper: QuantileClipper, X: Any, *, fitting: bool) -> np.ndarray:
    """X as float64 (n, columns): a matrix is read here, anything else by scikit-learn's reader."""
    plain = type(X) is np.ndarray and X.dtype.kind in "fiub" and X.ndim == 2 and X.size > 0
    if plain and not hasattr(clipper, "feature_names_in_"):
        if fitting:
            clipper.n_features_in_ = X.shape[1]
        if X.shape[1] == clipper.n_features_in_:
            return X.astype(np.float64)
    from sklearn.utils.validation import validate_data

    return validate_data(clipper, X, reset=fitting, dtype=np.float64,
                         ensure_all_finite=False)


def _not_fitted(clipper: QuantileClipper) -> Exception:
    from sklearn.exceptions import NotFittedError

    return NotFittedError(f"{clipper!r} must be fitted first: call fit(X).")
