"""What was asked of a fit, as plain data: enough to ask it again.

Words that are code (a metric of one's own, an estimator, a transformer) cannot be written into a
file that runs nothing when it is read. They are named in `own`, and must be given again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wholefit import evaluation
from wholefit.base.errors import ArtifactError, StateError, WholefitError
from wholefit.data import Schema
from wholefit.features import engineer

# Options of reading that a file may bring along. A query or a folder is code or a place of
# somebody else's machine: the person who replays says it again.
_READING = ("delimiter", "encoding", "na_values", "sheet", "table", "image_limit", "arrays")
_PLAIN = (str, int, float, bool, type(None))
# Fields of the options that are written apart, or made anew.
_APART = ("models", "metric", "features", "transformers", "balance", "costs", "threshold", "clean",
          "script", "history")
_SPECIAL = ("target", "time", "group", "weight")


@dataclass(frozen=True)
class Asked:
    """The words of a fit. `special` names columns by role, `roles` overrides others.

    `options` are fields of `training.Options` that are plain, `words` those that are structured:
    features, balance, costs, threshold, clean, engineer. `own` names words that could not be
    written. `live` are the options themselves, `recipe` the cleaning recipe and `path` the source,
    while the fit is at hand.
    """

    task: str
    special: Mapping[str, str]
    roles: Mapping[str, str] = field(default_factory=dict)
    reading: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    words: Mapping[str, Any] = field(default_factory=dict)
    metric: str | None = None
    budget: str = "no limit"
    own: tuple[str, ...] = ()
    live: Any = field(default=None, compare=False)
    recipe: Any = field(default=None, compare=False)
    path: str | None = field(default=None, compare=False)

    def to_json(self) -> dict[str, Any]:
        """As plain data, for the lineage of a model file."""
        names = ("task", "special", "roles", "reading", "options", "words", "metric", "budget")
        return {**{name: _plain(getattr(self, name)) for name in names}, "own": list(self.own)}

    @classmethod
    def from_json(cls, stored: Any) -> Asked:
        """Back from `to_json`; ArtifactError for what no fit wrote."""
        try:
            special, roles, reading, options, words = (
                dict(stored.get(name, {}))
                for name in ("special", "roles", "reading", "options", "words"))
            task, metric, budget = (stored[name] if name == "task" else stored.get(name, "")
                                    for name in ("task", "metric", "budget"))
            if not all(isinstance(each, str) for each in (
                    task, metric or "", budget, *special.values(), *roles.values())):
                raise TypeError("a word is no text")
            reading = {name: value for name, value in reading.items() if name in _READING}
            return cls(task, special, roles, reading, options, words, metric or None,
                       budget or "no limit", tuple(map(str, stored.get("own", ()))))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ArtifactError(f"what was asked of the fit cannot be read ({error}).") from error


def of_fit(
    options: Any, task: str, special: Mapping[str, str | None], roles: Mapping[str, str],
    reading: Mapping[str, Any], *, recipe: Any = None, path: str | None = None,
    budget: str = "no limit", imbalance: Any = None,
) -> Asked:
    """What was asked, of the options of a fit and of how its source was read."""
    own = [name for name in reading if name not in _READING]
    words: dict[str, Any] = {"features": _plain(dict(options.features))}
    words |= dict(imbalance.asked) if imbalance is not None else {}
    if recipe is not None:
        words["clean"] = recipe.to_dict()
    if options.transformers:
        try:
            words["engineer"] = engineer.dump(options.transformers)
        except WholefitError:
            own.append("transformers")
    metric = options.metric if isinstance(options.metric, str) and ":" not in options.metric \
        else None
    if options.metric is not None and metric is None:
        own.append("metric")
    plain = {each.name: getattr(options, each.name) for each in dataclasses.fields(options)
             if each.name not in _APART}
    own += [name for name, value in plain.items() if not isinstance(value, _PLAIN)]
    return Asked(
        task=task, special={name: column for name, column in special.items() if column},
        roles=dict(roles), reading=dict(reading),
        options={name: value for name, value in plain.items() if isinstance(value, _PLAIN)},
        words={name: value for name, value in words.items() if value}, metric=metric,
        budget=budget, own=tuple(own), live=options, recipe=recipe, path=path)


def of_record(
    lineage: Mapping[str, Any], schema: Schema, task: str, metric: str, positive: Any
) -> Asked:
    """What was asked, of a saved model; of one saved before this was kept, what can be told."""
    for key, said in (("adopted", "was adopted, not fitted"), ("parents", "has learnt more rows")):
        if lineage.get(key):
            raise StateError(f"the model {said}: there is no one fit to replay.")
    if "asked" in lineage:
        return Asked.from_json(lineage["asked"])
    if "schedule" not in lineage:
        raise StateError("the model file does not say how it was fitted, and cannot be replayed.")
    special = {role: schema.having(role)[0] for role in _SPECIAL if schema.having(role)}
    by_hand = {column.name: column.role for column in schema.columns
               if column.reason == "set by the user" and column.name not in special.values()}
    names = ("seed", "folds", "repeats", "jobs", "choose")
    options = {**{name: lineage[name] for name in names if name in lineage},
               "checks": bool(lineage.get("checks", True)), "positive": positive}
    words = {name: lineage[name] for name in (
        "features", "balance", "costs", "threshold", "clean", "engineer") if lineage.get(name)}
    known = metric in evaluation.metrics.names(task)
    own = (["transformers"] if lineage.get("transformers") else []) + (
        [] if known or metric == "expected_cost" else ["metric"])
    return Asked(task, special, by_hand, {}, options, words,
                 metric if known or "metric" not in own else None,
                 str(lineage.get("budget", "no limit")), tuple(own))


def _plain(value: Any) -> Any:
    """As JSON and TOML have it: dicts, lists, numbers, text; what is None is left out of dicts."""
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items() if each is not None}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value if isinstance(value, _PLAIN) else str(value)
