"""The command that makes a result again, from what its lineage and leaderboard keep."""

from __future__ import annotations

import re
import shlex
from typing import Any

import numpy as np

from wholefit import models
from wholefit.base import tasks
from wholefit.base.errors import WholefitError
from wholefit.features import engineer
from wholefit.report._facts import Reported, metric_of
from wholefit.training import DEFAULT_BUDGET, Entry

_SINGLE = {"time": "time", "group": "groups", "weight": "weights"}


def options(result: Reported) -> dict[str, Any] | None:
    """Options of the fit, under the words that all faces share; None if it was no fit of ours."""
    lineage = result.lineage
    if "seed" not in lineage or lineage.get("parents"):
        return None
    found: dict[str, Any] = {"target": result.target, "task": result.task}
    found["models"] = ", ".join(_named(result))
    found["metric"] = result.leaderboard.metric
    found |= {name: lineage[name] for name in ("folds", "repeats", "budget", "jobs", "seed",
                                               "balance", "costs", "threshold", "features",
                                               "checks")
              if name in lineage}
    found["clean"] = lineage.get("clean", {}).get("step")
    for role, word in _SINGLE.items():
        for column in result.schema.having(role):
            found[word] = column
    found["positive"] = _positive(result)
    found["choose"] = lineage.get("choose")
    return {name: value for name, value in found.items()
            if value is not None and _telling(result, name, value)}


def shell(result: Reported) -> str | None:
    """The command line, one option a line; None if it was no fit of ours."""
    asked = options(result)
    if asked is None:
        return None
    plain = {name: value for name, value in asked.items()
             if name not in ("features", "clean", "checks")}
    words = [f"--{name} {shlex.quote(str(value))}" for name, value in plain.items()]
    words += [f"--role {shlex.quote(f'{name}={role}')}" for name, role in _roles(result).items()]
    words += [f"--feature {shlex.quote(f'{name}={value}')}"
              for name, value in asked.get("features", {}).items()]
    files = _files(result)
    words += [f"--{option} {name}" for option, (name, _) in files.items()]
    words += ["--no-checks"] if "checks" in asked else []
    before = [f"cat > {name} <<'END'\n{text.rstrip()}\nEND\n" for name, text in files.values()]
    return "".join(before) + " \\\n    ".join(
        [f"wholefit fit {shlex.quote(_source(result))}", *words])


def python(result: Reported) -> str | None:
    """The same as a call of `wf.fit`."""
    asked = options(result)
    if asked is None:
        return None
    roles = _roles(result)
    words = [f"{name}={value!r}" for name, value in asked.items()]
    words += [f"roles={roles!r}"] if roles else []
    steps = [_feature(table) for table in result.lineage.get("engineer", [])]
    words += [f"transformers=[{', '.join(steps)}]"] if steps else []
    source = repr(_source(result)) if _is_file(result) else "frame"
    return "wf.fit(\n    " + ",\n    ".join([source, *words]) + ",\n)"


def _files(result: Reported) -> dict[str, tuple[str, str]]:
    """Files that a command line reads: the option, and the name and text of each."""
    clean, made = result.lineage.get("clean"), result.lineage.get("engineer")
    found = {}
    if clean:
        from wholefit.data.clean import Recipe  # most reports need no cleaning step

        found["clean"] = "recipe_again.toml", Recipe.from_dict(clean).to_toml()
    if made:
        found["engineer"] = "features_again.toml", engineer.to_toml(made)
    return found


def _feature(table: dict[str, Any]) -> str:
    """An engineered feature as a call."""
    rest = [f"{name}={value!r}" for name, value in table.items() if name not in ("kind", "columns")]
    return f"wf.feature({', '.join([repr(table['kind']), repr(table['columns']), *rest])})"


def tried(result: Reported) -> list[Entry]:
    """The models that were started, or would have been had the budget allowed."""
    return [entry for entry in result.leaderboard if entry.params or entry.scores]


def _named(result: Reported) -> list[str]:
    """The models in the order in which they ran; the baseline runs without being named."""
    place = {step["model"]: at for at, step in enumerate(result.lineage.get("schedule", []))}
    ran = sorted(tried(result), key=lambda entry: place.get(entry.model, len(place)))
    named = [spec(entry) for entry in ran]
    base = tasks.get(result.task).baseline
    return [name for name in named if name != base] or [base]


def spec(entry: Entry) -> str:
    """The model as one writes it: its name, and the values that are not its defaults."""
    name = base_name(entry)
    try:
        default = models.get(name)().to_dict()
    except (WholefitError, TypeError):
        return name
    other = [f"{key}={value!r}" for key, value in entry.params.items()
             if key in default and value != default[key] and str(default[key]) != value]
    return f"{name}({', '.join(other)})" if other else name


def base_name(entry: Entry) -> str:
    """The catalog's name of a model that the leaderboard numbers: "ridge_2" is a ridge."""
    found = re.fullmatch(r"(.+)_\d+", entry.model)
    if entry.model not in models.names() and found and found[1] in models.names():
        return found[1]
    return entry.model


def foreign(result: Reported) -> list[str]:
    """Models, metrics, steps of the user's own: a command line cannot name them by itself."""
    metric = result.leaderboard.metric
    strange = [entry.model for entry in tried(result) if base_name(entry) not in models.names()]
    strange += result.lineage.get("transformers", [])
    return strange + ([metric] if metric_of(result, metric) is None else [])


def _telling(result: Reported, name: str, value: Any) -> bool:
    """Whether an option says anything that its default would not."""
    task = tasks.get(result.task)
    silent = {"metric": task.metrics[0], "repeats": 1, "choose": "recommended",
              "budget": str(DEFAULT_BUDGET), "features": {}}
    return silent.get(name) != value


def _roles(result: Reported) -> dict[str, str]:
    """Roles that the user set; those with an option of their own are left out."""
    return {column.name: column.role for column in result.schema.columns
            if column.reason == "set by the user" and column.role not in (*_SINGLE, "target")}


def _positive(result: Reported) -> Any:
    """The class called positive, where it is not the one that would be chosen anyway."""
    code, classes = result.exhibits.get("positive"), result.classes
    if code is None or classes is None or len(classes) != 2:
        return None
    usual = tasks.get(result.task).codec(result.target, np.array(classes, dtype=object))
    return None if getattr(usual, "positive", code) == code else str(classes[code])


def _source(result: Reported) -> str:
    return str(result.lineage.get("source", "SOURCE")) if _is_file(result) else "SOURCE"


def _is_file(result: Reported) -> bool:
    """Whether the rows came from a file: what came from memory has no name to say again."""
    source = str(result.lineage.get("source", "memory"))
    return not source.startswith(("memory", "a stream", "standard input"))
