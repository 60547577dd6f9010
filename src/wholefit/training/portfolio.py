"""Which models are tried when the user names none: a few that complement each other.

The default set holds the task's baseline, a linear model, a boosted ensemble and, where the
rows allow it, a forest: between them they cover additive, thresholded and smooth relations.
Sizes are limits of cost, not of quality: a learner whose time or memory grows out of
proportion is left out before it is started, with the reason in the result.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from wholefit import models
from wholefit.base.errors import ParameterError, unknown
from wholefit.base.optional import available
from wholefit.base.tasks import Task
from wholefit.data.schema import Schema
from wholefit.features import _pixel_columns
from wholefit.models import Model
from wholefit.training import portfolios

PRESETS = ("fast", "balanced", "best", "interpretable", "tiny")

# A forest of full-depth trees takes about as many nodes as rows, for every tree.
_FOREST_ROWS = 60_000
_FOREST_CELLS = 6_000_000
_MANY_ROWS = 10_000
# Extremely random trees grow five times faster than a forest that searches every feature, and
# were as accurate or more on appliances_energy, california_housing and nycflights13.
_FOREST = {
    "classification": "random_forest",
    "regression": "extra_trees(max_features=0.5, min_samples_leaf=2)",
}
# Networks read a picture or a text as it is; for other tables see docs/neural.md.
_NETWORKS = {"pictures": ["cnn"], "texts": ["text_embedding"]}
# Boosting of many classes: trees in all, rounds at the least, and a step that still is steady.
_MOST_TREES, _LEAST_ROUNDS, _FASTEST = 8_000, 100, 0.15
# Where the first network goes that reads what was seen: after a linear model and a boosted one.
_NETWORK_PLACE = 2
_LINEAR = {"classification": "logistic", "regression": "ridge"}


@dataclass(frozen=True)
class Portfolio:
    """Models to try, in order, and what was left out and why.

    `names` are those of the configurations, one for each model, where it was planned by names.
    """

    models: tuple[Model, ...]
    left_out: dict[str, str]
    names: tuple[str, ...] = ()


def default(
    task: Task, rows: int, columns: int, seen: Collection[str] = ()
) -> Portfolio:
    """The default set for a table of this size, and for what was `seen` in it (see there)."""
    left_out: dict[str, str] = {}
    chosen = [task.baseline, _LINEAR[task.name], usual_boosting(rows)]
    if rows <= _FOREST_ROWS and rows * columns <= _FOREST_CELLS:
        chosen.append(_FOREST[task.name])
    else:
        left_out[_FOREST[task.name].partition("(")[0]] = (
            f"full-depth forests take memory and time out of proportion on {rows:,} rows x "
            f"{columns:,} columns; name it in models= to have it all the same"
        )
    for kind in seen:
        if available("torch"):
            chosen += _NETWORKS[kind]
        else:
            left_out[_NETWORKS[kind][0]] = (
                f"a network reads {kind} better, and torch is not installed: pip install "
                "'wholefit[deep]'")
    return Portfolio(tuple(models.make(name) for name in chosen), left_out)


def planned(
    task: Task, rows: int, columns: int, seen: Collection[str] = (), *,
    preset: str = "balanced", classes: int = 0,
) -> Portfolio:
    """What a preset tries on such a table, most gain for its seconds first, baseline before all.

    `preset`: "fast", the default set; "balanced", what answers quickly; "best", all that may add
    something; "interpretable", what a person can read; "tiny", what is small and answers at once.
    `seen` as of `seen()`; `classes`, how many (0 for a number).
    """
    if preset not in PRESETS:
        raise unknown("preset", preset, PRESETS)
    if preset == "fast":
        return default(task, rows, columns, seen)
    known, names, left_out = portfolios.configurations(), [], dict[str, str]()
    for name in _wanted(task.name, rows, seen, preset):
        if preset == "balanced" and known[name].slow_to_answer:
            continue
        why = known[name].refused(task.name, rows, columns, classes)
        if why is None:
            names.append(name)
        elif why:
            left_out.setdefault(known[name].model, why)
    chosen = [models.make(task.baseline),
              *(_paced(known[name].make(), classes) for name in names)]
    kept = {model.name for model in chosen}
    left_out = {model: why for model, why in left_out.items() if model not in kept}
    return Portfolio(tuple(chosen), left_out, (task.baseline, *names))


def check_readable(named: Iterable[Any]) -> None:
    """Refuse models that a person cannot read: ParameterError names those, and readable ones."""
    dark = [model.name for each in named if not (model := models.make(each)).readable]
    if dark:
        known = {name for task in ("classification", "regression") for name in models.names(task)
                 if models.get(name).readable and name != "dummy"}
        raise ParameterError(
            "preset='interpretable' (interpretable=True) must have models that a person can read; "
            f"got {', '.join(dark)}: leave out models= to have some tried, or name any of "
            f"{', '.join(sorted(known))}.")


def _paced(model: Model, classes: int) -> Model:
    """With many classes fewer rounds, of larger steps: a round is a tree for each class."""
    if classes <= 2 or not model.watches:
        return model
    rounds, rate = model.to_dict()["n_estimators"], model.to_dict()["learning_rate"]
    most = max(_LEAST_ROUNDS, _MOST_TREES // classes)
    if rounds <= most:
        return model
    return model.replace(n_estimators=most,
                         learning_rate=max(rate, min(rate * rounds / most, _FASTEST)))


def _wanted(task: str, rows: int, seen: Collection[str], preset: str) -> list[str]:
    """Names in order: the preset's or the order's, networks that read what was seen put in."""
    by_hand = portfolios.by_hand()
    if preset in by_hand["presets"]:
        return list(by_hand["presets"][preset][task])
    found = portfolios.order(task, rows)
    for place, kind in enumerate(seen):
        # The first reads it as it is, and is worth most there; the others are for longer runs.
        first, *others = by_hand["networks"][kind]
        found.insert(_NETWORK_PLACE + place, first)
        found += others
    return found


def seen(schema: Schema) -> list[str]:
    """What only networks read as it is: "pictures" (or a column for each pixel), "texts"."""
    learnt = [column for column in schema.columns if column.name in schema.features]
    numeric = [column.name for column in learnt if column.role == "numeric"]
    roles = {column.role for column in learnt}
    pictures = "image" in roles or _pixel_columns.learn(schema, numeric) is not None
    return ["pictures"] * pictures + ["texts"] * ("text" in roles)


def usual_boosting(rows: int) -> str:
    """LightGBM where it is installed; scikit-learn's histogram boosting is always there.

    More rows can carry larger trees: with 15 leaves for all, California housing (15,480 rows)
    lost 1.3% of RMSE against 31.
    """
    name = "lightgbm" if available("lightgbm") else "hist_gradient_boosting"
    return f"{name}(max_leaf_nodes={31 if rows >= _MANY_ROWS else 15})"
