"""Which models are tried when the user names none: a few that complement each other.

The default set holds the task's baseline, a linear model, a boosted ensemble and, where the
rows allow it, a forest: between them they cover additive, thresholded and smooth relations.
Sizes are limits of cost, not of quality: a learner whose time or memory grows out of
proportion is left out before it is started, with the reason in the result.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from wholefit import models
from wholefit.base.optional import available
from wholefit.base.tasks import Task
from wholefit.data.schema import Schema
from wholefit.features import _pixel_columns
from wholefit.models import Model

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
_LINEAR = {"classification": "logistic", "regression": "ridge"}


@dataclass(frozen=True)
class Portfolio:
    """Models to try, in order, and what was left out and why."""

    models: tuple[Model, ...]
    left_out: dict[str, str]


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
