"""The catalog of models: one file, one family; the folder is the registry.

>>> get("ridge")(alpha=2.0)
Ridge(alpha=2.0, fit_intercept=True, positive=False)
>>> make("ridge(alpha=2)").alpha
2

A new family is one new file here, or a class that another package names in its entry points:

    [project.entry-points."wholefit.models"]
    mine = "my_package.models:Mine"

Walking the folder imports no learning library; a model imports its own when it is built.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from typing import Any

from wholefit.base import optional
from wholefit.base.errors import WholefitError, unknown
from wholefit.base.events import emit
from wholefit.base.params import Spec
from wholefit.models._brought import brought
from wholefit.models._model import Context, Model, Scorer
from wholefit.models._scorers import scorer
from wholefit.models._words import make, split_list

__all__ = ["Context", "Model", "Scorer", "broken", "brought", "describe", "get", "make", "names",
           "scorer", "split_list"]

_GROUP = "wholefit.models"


def names(task: str | None = None) -> list[str]:
    """Names in the catalog, in alphabetical order; only those for `task` if it is given."""
    found = _all()
    return sorted(name for name in found if task is None or task in found[name].tasks)


def get(name: str) -> type[Model]:
    """The class of that name; a misspelt one gets the nearest right name."""
    if name not in _all():
        raise unknown("model", name, names())
    return _all()[name]


def describe(task: str | None = None) -> list[dict[str, Any]]:
    """One JSON-able row for each model, in order of name.

    Keys: name, family, tasks, summary, growth, weighted, incremental, extra (None or the extra
    that brings its library), installed, params (name, default, doc, rule, search of each).
    """
    return [_row(get(name)) for name in names(task)]


def broken() -> dict[str, str]:
    """Third parties' models that could not be taken up, and why: entry point to reason."""
    return dict(_plugins()[1])


@cache
def _all() -> dict[str, type[Model]]:
    return _own() | _plugins()[0]


@cache
def _own() -> dict[str, type[Model]]:
    modules = (importlib.import_module(f"{__name__}.{module.name}")
               for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))
    return _by_name(kind for module in modules for kind in _entries(module))


def _entries(module: Any) -> list[type[Model]]:
    """The catalog entries that a module defines (not those that it imports)."""
    return [value for value in vars(module).values() if _is_entry(value)
            and value.__module__ == module.__name__]


def _is_entry(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, Model) and "name" in value.__dict__


def _by_name(kinds: Iterable[type[Model]]) -> dict[str, type[Model]]:
    found: dict[str, type[Model]] = {}
    for kind in kinds:
        if kind.name in found:
            raise WholefitError(_taken(kind, found[kind.name]))
        found[kind.name] = kind
    return found


def _taken(kind: type[Model], holder: type[Model]) -> str:
    return (f"two models are named {kind.name!r}: {_path(holder)} and {_path(kind)}; "
            "give one of them another name.")


def _path(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


@cache
def _plugins() -> tuple[dict[str, type[Model]], dict[str, str]]:
    """Third parties' models, and the entry points that failed with their reasons."""
    found: dict[str, type[Model]] = {}
    failed: dict[str, str] = {}
    for point in metadata.entry_points(group=_GROUP):
        try:
            kind = _checked(point.load(), _own() | found)
        except Exception as error:  # whatever a stranger's module raises must not spread
            failed[point.name] = f"{point.value}: {type(error).__name__}: {error}"
            emit("plugin_failed", name=point.name, reason=failed[point.name])
        else:
            found[kind.name] = kind
    return found, failed


def _checked(kind: Any, taken: dict[str, type[Model]]) -> type[Model]:
    if not _is_entry(kind):
        raise WholefitError(f"it must be a subclass of wholefit.models.Model with a name of its "
                            f"own; got {kind!r}.")
    if kind.name in taken:
        raise WholefitError(_taken(kind, taken[kind.name]))
    return kind


def _row(kind: type[Model]) -> dict[str, Any]:
    facts = ("name", "family", "summary", "growth", "weighted", "incremental", "extra")
    return {
        **{fact: getattr(kind, fact) for fact in facts},
        "tasks": list(kind.tasks),
        "installed": kind.requires is None or optional.available(kind.requires),
        "params": [_param(spec) for spec in kind.specs()],
    }


def _param(spec: Spec) -> dict[str, Any]:
    search = None
    if spec.search is not None:
        search = {"low": spec.search.low, "high": spec.search.high, "log": spec.search.log,
                  "choices": _plain(spec.search.choices)}
    return {"name": spec.name, "default": _plain(spec.default), "doc": spec.doc,
            "rule": spec.rule(), "search": search}


def _plain(value: Any) -> Any:
    """Tuples as lists, as JSON has them."""
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
