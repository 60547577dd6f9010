"""The learner as source text: a constructor of its library, with what is not default said."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wholefit.artifact.eject._networks import is_network, network
from wholefit.artifact.eject._pieces import Pieces
from wholefit.base import seeds
from wholefit.base.errors import ExportError
from wholefit.base.tasks import Task
from wholefit.models import Model
from wholefit.models._model import Context

_SKIPPED = ("n_jobs", "jobs", "verbose")


@dataclass(frozen=True)
class Lesson:
    """What a model was taught: by so many `rows`, encoded by `encoder`, with `seed` and `jobs`.

    `classes` is 0 for a number. `counted` is what its fits did under a clock, by count. Of a
    member of a blend, `rounds` are those of each fold where it was stopped early, and `folded`
    says that it is fitted on several.
    """

    task: Task
    encoder: Any
    rows: int
    classes: int
    seed: int
    jobs: int
    counted: Sequence[Mapping[str, Any]] | None = None
    rounds: Sequence[int] = ()
    folded: bool = False

    def context(self, model: Model) -> Context:
        """What the model knew when it was built."""
        encoder = self.encoder
        return Context(
            rows=self.rows, features=len(encoder.names), categorical=encoder.categorical,
            n_classes=self.classes, seed=seeds.derive(self.seed, "model", model.name),
            jobs=self.jobs, spans=encoder.spans)


# Networks of tables, whose training the script has a plain form of.
_TABULAR = ("mlp", "real_mlp", "tabm")


def learner(model: Model, lesson: Lesson) -> Pieces:
    """The pieces that train and ask the model; ExportError where no plain library does."""
    if model.watches and not lesson.rounds:
        raise _refusal("it stops early by rows set apart; fit with early_stopping=0 and the "
                       "rounds that it came to")
    made = model.build(lesson.task, lesson.context(model))
    asked = "Probabilities (rows, classes)." if lesson.classes else "Numbers (rows,)."
    if is_network(made):
        if model.name not in _TABULAR:  # without what they read, networks of pictures are others
            raise _refusal(f"{model.name} reads pictures, texts or series; export it (`wholefit "
                           "export`) to torch or onnx")
        found = _networked(made, lesson)
    elif type(made).__name__ in ("BoostedClassifier", "BoostedRegressor"):
        found = _boosted(made, lesson, asked)
    else:
        found = _fitted_at_once(made, lesson, asked)
    found.facts["fold"] = ", fold" if lesson.folded else ""
    return found


def _fitted_at_once(made: Any, lesson: Lesson, asked: str) -> Pieces:
    imports: set[str] = set()
    if lesson.rounds:
        made.set_params(max_iter=_Code("ROUNDS[fold]"))
    text = _source(made, imports, lesson.encoder)
    return Pieces({"estimator"}, {"ROUNDS": list(lesson.rounds) or None}, imports=imports, facts={
        "estimator": text, "asked": asked,
        "verb": "predict_proba" if lesson.classes else "predict"})


class _Code(str):
    """A setting that the script works out."""

    def __repr__(self) -> str:
        return str(self)


def _networked(made: Any, lesson: Lesson) -> Pieces:
    """A network; it reads codes beside numbers."""
    encoder = lesson.encoder
    return network(made, lesson.classes, lesson.rows, list(encoder.cardinalities),
                   len(encoder.names) - len(encoder.categorical), lesson.counted)


def _refusal(why: str) -> ExportError:
    return ExportError(f"this model cannot be ejected as a plain script: {why}.")


# -- scikit-learn -----------------------------------------------------------------------------

def _source(made: Any, imports: set[str], encoder: Any) -> str:
    """The constructor of an estimator, members included; what it imports is added."""
    name = type(made).__name__
    if name in _OURS:
        return _OURS[name](made, imports, encoder)
    if not type(made).__module__.startswith("sklearn."):
        raise _refusal(f"scikit-learn has no {name}; export it (`wholefit export`) instead")
    return _call(type(made), made.get_params(deep=False), imports, encoder)


def _call(kind: Any, params: dict[str, Any], imports: set[str], encoder: Any) -> str:
    home = kind.__module__.split("._")[0]  # the public package around a private module
    imports.add(f"from {home} import {kind.__name__}")
    defaults = {name: each.default for name, each in inspect.signature(kind).parameters.items()}
    said = [f"{name}={_value(value, imports, encoder)}" for name, value in params.items()
            if name not in _SKIPPED and not _same(value, defaults.get(name, inspect._empty))]
    return f"{kind.__name__}({', '.join(said)})"


def _same(value: Any, default: Any) -> bool:
    return type(value) is type(default) and bool(value == default)


def _value(value: Any, imports: set[str], encoder: Any) -> str:
    if hasattr(value, "get_params"):
        return _source(value, imports, encoder)
    if isinstance(value, (list, tuple)):
        inner = ", ".join(_value(each, imports, encoder) for each in value)
        if isinstance(value, list):
            return f"[{inner}]"
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if value is None or isinstance(value, (bool, int, float, str)):
        if isinstance(value, float) and value in (float("inf"), float("-inf")):
            return f'float("{value}")'
        return repr(value)
    raise _refusal(f"its setting {type(value).__name__} has no plain form")


def _ridge(made: Any, imports: set[str], encoder: Any) -> str:
    from sklearn.linear_model import Ridge

    return _call(Ridge, made.get_params(deep=False), imports, encoder)


def _scaled(made: Any, imports: set[str], encoder: Any) -> str:
    imports |= {"from sklearn.compose import TransformedTargetRegressor",
                "from sklearn.preprocessing import StandardScaler"}
    inner = _source(made.estimator, imports, encoder)
    return f"TransformedTargetRegressor({inner}, transformer=StandardScaler())"


def _margins(made: Any, imports: set[str], encoder: Any) -> str:
    imports |= {"from sklearn.calibration import CalibratedClassifierCV",
                "from sklearn.model_selection import StratifiedKFold"}
    inner = _source(made.estimator, imports, encoder)
    folds = f"StratifiedKFold({made.cv}, shuffle=True, random_state={made.random_state})"
    return f"CalibratedClassifierCV({inner}, cv={folds}, ensemble=False)"


def _hist(made: Any, imports: set[str], encoder: Any) -> str:
    from sklearn import ensemble

    kind = (ensemble.HistGradientBoostingClassifier if type(made).__name__ == "HistClassifier"
            else ensemble.HistGradientBoostingRegressor)
    params = {name: value for name, value in made.get_params(deep=False).items()
              if name not in ("max_levels", "n_iter_no_change", "seconds")}
    few = min(made.max_levels, made.max_bins)
    params["categorical_features"] = _narrow(made.categorical_features, encoder, few) or None
    return _call(kind, {**params, "early_stopping": False}, imports, encoder)


def _counts(made: Any, imports: set[str], encoder: Any) -> str:
    from sklearn.naive_bayes import MultinomialNB

    imports |= {"from sklearn.pipeline import make_pipeline",
                "from sklearn.preprocessing import FunctionTransformer"}
    inner = _call(MultinomialNB, made.get_params(deep=False), imports, encoder)
    return (f"make_pipeline(FunctionTransformer(lambda X: X.maximum(0) if hasattr(X, 'maximum') "
            f"else np.maximum(X, 0)), {inner})")


def _nearest(made: Any, imports: set[str], encoder: Any) -> str:
    from sklearn import neighbors

    kind = (neighbors.KNeighborsClassifier if type(made).__name__ == "NearestClassifier"
            else neighbors.KNeighborsRegressor)
    return _call(kind, made.get_params(deep=False), imports, encoder)


_OURS: dict[str, Callable[[Any, set[str], Any], str]] = {
    "CountsNB": _counts, "GramRidge": _ridge, "HistClassifier": _hist, "HistRegressor": _hist,
    "MarginClassifier": _margins, "NearestClassifier": _nearest, "NearestRegressor": _nearest,
    "ScaledTarget": _scaled}


# -- boosting libraries -----------------------------------------------------------------------

def _narrow(features: Any, encoder: Any, most: int | None) -> list[int]:
    """Those of the category features that hold no more than `most` codes."""
    sizes = dict(zip(encoder.categorical, encoder.cardinalities, strict=True))
    return [int(feature) for feature in features or ()
            if most is None or sizes.get(int(feature), 0) <= most]


def _boosted(made: Any, lesson: Lesson, asked: str) -> Pieces:
    if made.balanced:
        raise _refusal("it weighs rows by the frequency of their class; fit with balanced=False")
    params, classes = dict(made.params or {}), lesson.classes
    facts = {"categorical": repr(_narrow(made.categorical, lesson.encoder, made.max_levels)),
             "two": "CLASSES" if classes == 2 else "False", "asked": asked,
             "rounds": "ROUNDS[fold]" if lesson.rounds else str(made.rounds)}
    _PARAMS[made.library](params, classes, lesson.jobs)
    facts["params"] = "{\n" + "".join(
        f"    {name!r}: {value!r},\n" for name, value in params.items() if value is not None) + "}"
    if made.library == "catboost":
        facts["kind"] = repr("Probability" if classes else "RawFormulaVal")
        facts |= {"planned": str(made.rounds),
                  "until": ", callbacks=[Until(ROUNDS[fold])]" if lesson.rounds else ""}
    constants = {"ROUNDS": list(lesson.rounds) or None}
    names = {made.library, *(["until"] if facts.get("until") else [])}
    return Pieces(names, constants, imports={f"import {made.library}"}, facts=facts)


def _lightgbm(params: dict[str, Any], classes: int, jobs: int) -> None:
    if classes:
        params["objective"] = "binary" if classes == 2 else "multiclass"
        params["num_class"] = 1 if classes == 2 else classes
    params |= {"num_threads": jobs, "verbosity": -1, "deterministic": True,
               "force_row_wise": True}


def _xgboost(params: dict[str, Any], classes: int, jobs: int) -> None:
    if classes:
        params["objective"] = "binary:logistic" if classes == 2 else "multi:softprob"
        if classes > 2:
            params["num_class"] = classes
    params |= {"nthread": jobs, "verbosity": 0, "tree_method": "hist"}


def _catboost(params: dict[str, Any], classes: int, jobs: int) -> None:
    if classes:
        params["loss_function"] = "Logloss" if classes == 2 else "MultiClass"
    params |= {"thread_count": jobs, "logging_level": "Silent", "allow_writing_files": False}


_PARAMS = {"lightgbm": _lightgbm, "xgboost": _xgboost, "catboost": _catboost}
