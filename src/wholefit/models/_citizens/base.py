"""What estimators of catalog families share: parameters by name, state, a matrix that is checked.

`model` is what `wf.fit(models=)` takes: a name with values in parentheses, or a Model. Its own
hyper-parameters are seen as `model__name`, so that a search of scikit-learn's can vary them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from wholefit.base import optional, tasks
from wholefit.base.errors import ParameterError, WholefitError
from wholefit.base.state import State
from wholefit.models._model import Context, Model
from wholefit.models._scorers import scorer
from wholefit.models._words import make

_NESTED = "model__"


class OfCatalog(BaseEstimator):  # type: ignore[misc]
    """One family of the catalog on a matrix (n, p) of numbers, taken as they are.

    `model` names the family; `categorical` are the columns that hold codes 0, 1, ... (families
    that know no categories take them as numbers); `jobs` threads it may use; `seconds` a fit may
    take, kept by families that can (None: as many as it needs).
    Once fitted, `model_` is the Model, `state_` what it learnt, as JSON and arrays (what it
    answers with, as an artifact would), and `fitted_` the family's own estimator.
    """

    task = ""
    fewest = 1
    gaps = False

    def __init__(
        self, model: Any, *, categorical: Sequence[int] | None = None, jobs: int = 1,
        seconds: float | None = None, random_state: Any = 0,
    ) -> None:
        self.model, self.categorical, self.jobs = model, categorical, jobs
        self.seconds, self.random_state = seconds, random_state

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters; with `deep` those of the model too, as "model__name"."""
        found: dict[str, Any] = super().get_params(deep=False)
        if deep:
            try:
                own = make(self.model).to_dict()
            except (WholefitError, TypeError, AttributeError):  # `fit` says what is wrong with it
                own = {}
            found |= {_NESTED + name: value for name, value in own.items()}
        return found

    def set_params(self, **params: Any) -> OfCatalog:
        """Change parameters; "model__name" changes one of the model's."""
        nested = {name.removeprefix(_NESTED): value for name, value in params.items()
                  if name.startswith(_NESTED)}
        super().set_params(**{name: value for name, value in params.items()
                              if not name.startswith(_NESTED)})
        if nested:
            self.model = make(self.model).replace(**nested)
        return self

    def _fit(self, X: Any, **facts: Any) -> np.ndarray:
        """Build, fit and keep the state; gives the checked rows."""
        model = self._chosen()
        rows = validate_data(self, X, dtype=np.float64, ensure_min_samples=self.fewest,
                             ensure_all_finite="allow-nan" if self.gaps else True)
        task, context = tasks.get(self.task), self._context(rows, **facts)
        if model.requires is not None:
            optional.need(model.requires, extra=str(model.extra), user=model.name)
        self.fitted_ = model.build(task, context).fit(rows)
        self.state_: State = model.state(self.fitted_, task, context)
        self._answers: Any = scorer(self.state_)
        self.model_ = model
        return np.asarray(rows)

    def _chosen(self) -> Model:
        """The Model; ParameterError for one of another task."""
        try:
            model = make(self.model)
        except (TypeError, AttributeError) as error:
            raise ParameterError(f"model must be a name of the catalog or a Model; got "
                                 f"{self.model!r}.") from error
        if self.task not in model.tasks:
            from wholefit import models

            raise ParameterError(
                f"{type(self).__name__}.model must be a family for {self.task} "
                f"({', '.join(models.names(self.task))}); got {model.name!r}, which is for "
                f"{', '.join(model.tasks)}.")
        return model

    def _context(self, rows: np.ndarray, **facts: Any) -> Context:
        return Context(
            rows=len(rows), features=rows.shape[1], categorical=self._codes(rows),
            jobs=self.jobs, seconds=self.seconds, seed=self._seed(), **facts)

    def _codes(self, rows: np.ndarray) -> tuple[int, ...]:
        """The columns of codes; ParameterError where one is no column, or holds other numbers."""
        wanted = tuple(int(at) for at in self.categorical or ())
        for at in wanted:
            if not 0 <= at < rows.shape[1]:
                raise ParameterError(f"categorical must name columns 0 to {rows.shape[1] - 1}; "
                                     f"got {at}.")
            seen = rows[:, at]
            if not (np.isfinite(seen) & (seen >= 0) & (seen == np.round(seen))).all():
                raise ParameterError(f"categorical column {at} must hold codes 0, 1, ... and no "
                                     "gaps: give a missing level a code of its own.")
        return tuple(sorted(set(wanted)))

    def _seed(self) -> int:
        if isinstance(self.random_state, (int, np.integer)):
            return int(self.random_state)
        from sklearn.utils import check_random_state

        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _answer(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "state_")
        rows = validate_data(self, X, reset=False, dtype=np.float64)
        return np.asarray(self._answers.answer(rows))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.gaps
        return tags
