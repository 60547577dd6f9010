"""Models that rest on rows, densities or other models: said in words, with what can be counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wholefit.base.state import State
from wholefit.base.wording import counted
from wholefit.explain.inside._columns import NUMBER, Feature
from wholefit.explain.inside._numbers import brief
from wholefit.explain.inside.record import Share


def constant(state: State, outputs: tuple[str, ...]) -> dict[str, Any]:
    """One answer for all rows."""
    value = np.asarray(state.arrays["value"], dtype=np.float64)
    if len(outputs) < 2:
        return {"said": [f"It answers {brief(float(value[0]))} whatever the row holds."]}
    shares = ", ".join(f"{name} {share:.1%}" for name, share in zip(outputs, value, strict=False))
    return {"said": [f"It answers the same shares whatever the row holds: {shares}."]}


def neighbors(state: State) -> dict[str, Any]:
    """Rows kept, and how they vote."""
    rows, config = state.arrays["rows"], state.config
    power = float(config["power"])
    distance = {1.0: "differences added up", 2.0: "straight lines"}.get(
        power, f"Minkowski's distance of power {power:g}")
    votes = "alike" if config["weights"] == "uniform" else "the nearer the more"
    return {"said": [
        f"It keeps {len(rows):,} training rows, and has nothing else: a row gets what the "
        f"{config['neighbors']} nearest of them had, which count {votes}.",
        f"Near is measured by {distance} on {rows.shape[1]:,} encoded features, each on a common "
        "scale: examples(rows, among=...) shows whose answers a row gets."]}


def kernel_machine(state: State, outputs: tuple[str, ...]) -> dict[str, Any]:
    """Support vectors, and the likeness they are weighed by."""
    support, config = state.arrays["support"], state.config
    said = [f"It rests on {len(support):,} training rows at or beyond its margins (support "
            f"vectors), weighed by a {config['kernel']} kernel"
            + (f" of width {config['gamma']:.3g}." if config["kernel"] != "linear" else ".")]
    if "sizes" in state.arrays and len(outputs) == len(state.arrays["sizes"]):
        said.append("By class: " + ", ".join(
            f"{name} {int(count):,}" for name, count in
            zip(outputs, state.arrays["sizes"], strict=True)) + ".")
    bound = np.abs(state.arrays["dual"])
    most = float(bound.max()) if bound.size else 0.0
    said.append(f"{float((bound >= most * (1 - 1e-9)).any(axis=0).mean()):.0%} of them are held at "
                "the largest weight allowed: rows it could not part, or only barely.")
    return {"said": said}


def gaussian(state: State, features: Sequence[Feature], outputs: tuple[str, ...]) -> dict[str, Any]:
    """A bell curve a class and column; which columns keep the classes apart."""
    mean, spread = state.arrays["mean"], np.sqrt(state.arrays["variance"])
    apart = np.ptp(mean, axis=0) / np.maximum(np.sqrt((spread**2).mean(axis=0)), 1e-300)
    said = ["For each class every feature is taken as a bell curve by itself; what they say is "
            "multiplied as if they knew nothing of each other."]
    for at in np.argsort(-apart, kind="stable")[:5]:
        one = features[int(at)]
        scale, centre = (one.scale, one.centre) if one.kind == NUMBER else (1.0, 0.0)
        each = ", ".join(
            f"{name} {brief(float(m * scale + centre))} (sd {brief(float(s * scale))})"
            for name, m, s in zip(outputs, mean[:, at], spread[:, at], strict=False))
        said.append(f"{one.name}: {each}.")
    return {"said": said}


def counts(state: State, features: Sequence[Feature], outputs: tuple[str, ...]) -> dict[str, Any]:
    """Multinomial and Bernoulli naive Bayes: which features speak for which class."""
    coef = np.asarray(state.arrays["coef"], dtype=np.float64)
    said = ["Each feature speaks for a class by how much more of it that class has; what they say "
            "is multiplied as if they knew nothing of each other."]
    for k, name in enumerate(outputs[:len(coef)]):
        rest = np.delete(coef, k, axis=0).mean(axis=0) if len(coef) > 1 else coef[k]
        best = np.argsort(rest - coef[k], kind="stable")[:5]
        said.append(f"For {name}: " + ", ".join(
            f"{features[int(at)].name} ({float(coef[k, at] - rest[at]):+.2f})"
            for at in best) + ".")
    return {"said": said}


def native(state: State, features: Sequence[Feature]) -> dict[str, Any]:
    """Boosted trees in their library's own format: how many, and the columns' shares of gain."""
    config = state.config
    if "model" not in state.blobs:
        return {"said": ["No column varied, or one class alone was seen: it answers "
                         + ", ".join(f"{value:.4g}" for value in config["constant"]) + "."]}
    reader = {"lightgbm": _lightgbm, "xgboost": _xgboost, "catboost": _catboost}[state.kind]
    trees, gains, splits = reader(state, len(features))
    columns: dict[str, list[float]] = {}
    for at, one in enumerate(features):
        entry = columns.setdefault(one.column, [0.0, 0.0])
        entry[0] += float(gains[at])
        entry[1] += float(splits[at])
    total = sum(gain for gain, _ in columns.values()) or 1.0
    shares = tuple(sorted(
        (Share(column, gain / total, int(count)) for column, (gain, count) in columns.items()
         if gain > 0), key=lambda one: (-one.share, one.column)))
    name = {"lightgbm": "LightGBM", "xgboost": "XGBoost", "catboost": "CatBoost"}[state.kind]
    classes = len(config.get("classes") or ())
    said = [f"{trees:,} boosted trees of {name}, added up"
            + (f", {classes} a round: one a class." if classes > 2 and name != "CatBoost"
               else ".")]
    if shares:
        said.append("Of what their splits gain, most comes from " + ", ".join(
            f"{one.column} ({one.share:.0%})" for one in shares[:5]) + ".")
        said.append("Such shares count what trees could find to split on: columns of many values "
                    "gain by chance too. importance(rows) measures what a column is worth.")
    return {"said": said, "shares": shares}


def _lightgbm(state: State, width: int) -> tuple[int, np.ndarray, np.ndarray]:
    """Read off the text: trees, gain and splits by feature."""
    gains, splits, trees = np.zeros(width), np.zeros(width), 0
    feature: list[int] = []
    for line in state.blobs["model"].decode().splitlines():
        name, _, rest = line.partition("=")
        if name == "Tree":
            trees, feature = trees + 1, []
        elif name == "split_feature":
            feature = [int(word) for word in rest.split()]
        elif name == "split_gain" and feature:
            np.add.at(gains, feature, [float(word) for word in rest.split()])
            np.add.at(splits, feature, 1)
    return trees, gains, splits


def _xgboost(state: State, width: int) -> tuple[int, np.ndarray, np.ndarray]:
    """Asked of the library, which alone reads its format."""
    from wholefit.models._kernels.native import XGBoost

    booster: Any = XGBoost(state)._model
    found = [np.zeros(width), np.zeros(width)]
    for at, kind in enumerate(("total_gain", "weight")):
        for name, value in booster.get_score(importance_type=kind).items():
            found[at][int(str(name).removeprefix("f"))] = float(value)
    return len(booster.get_dump()), found[0], found[1]


def _catboost(state: State, width: int) -> tuple[int, np.ndarray, np.ndarray]:
    """Asked of the library: numbers stand first there, then categories."""
    from wholefit.models._kernels.native import CatBoost

    model: Any = CatBoost(state)._model
    chosen = list(state.config["categorical"])
    order = [at for at in range(width) if at not in chosen] + chosen
    gains = np.zeros(width)
    gains[order] = np.asarray(model.get_feature_importance(type="PredictionValuesChange"))
    return int(model.tree_count_), gains, np.zeros(width)


def steps(state: State) -> list[str]:
    """The steps of a pipeline that was adopted."""
    names = [part.kind.removeprefix("step.") for part in state.parts["prepare"].parts.values()] or [
        state.parts["prepare"].kind.removeprefix("step.")]
    return [f"A pipeline fitted elsewhere: {' -> '.join(names)} -> "
            f"{state.parts['model'].kind}; its features are told by number."]


def unknown(state: State) -> dict[str, Any]:
    """What can be said of a kind that has no reader here."""
    held = ", ".join(f"{name} {'x'.join(map(str, array.shape)) or 'a number'}"
                     for name, array in sorted(state.arrays.items()))
    return {"said": [f"A model of kind {state.kind!r}, which has no reader in words: it holds "
                     f"{held or 'no arrays'}, {len(state.parts)} parts and "
                     f"{sum(map(len, state.blobs.values())):,} bytes in a library's own format.",
                     "explain(rows) and importance(rows) tell what it does."]}


def blend(state: State) -> list[str]:
    """The members of a search's ensemble by their shares, and how their mean is calibrated."""
    shares: dict[str, list[float]] = {}
    whole = set()
    for member in state.config["members"]:
        name = str(member.get("model", "a model"))
        shares.setdefault(name, []).append(float(member["share"]))
        whole |= {name} if "whole" in member else set()
    said = ["An ensemble: the weighted mean of these, the heaviest first."]
    told = _layer(state)
    for name, each in shares.items():
        share = f"{sum(each):.0%} of the weight" if sum(each) else \
            "no weight of its own, asked by the second layer"
        told.append((sum(each), f"{name}: {share}, in {counted(len(each), 'model')} of "
                     f"{'all rows' if name in whole else 'its folds'}."))
    said += [words for _, words in sorted(told, key=lambda one: -one[0])]
    temperature, line = state.config["temperature"], state.config["line"]
    if temperature != 1.0:
        how = "less" if temperature > 1 else "more"
        said.append(f"The mean is made {how} sure (temperature {temperature:.3g}).")
    if list(line) != [0.0, 1.0]:
        said.append(f"The mean m becomes {line[0]:.4g} + {line[1]:.4g} m.")
    return said


def _layer(state: State) -> list[tuple[float, str]]:
    """The weights of a second layer's models, and what each of them reads."""
    found = []
    for at, each in enumerate(state.config.get("seconds", ())):
        part = state.parts[f"second {at}"]
        read = ", ".join(map(str, part.config["inputs"]))
        found.append((float(each["share"]),
                      f"a second layer ({part.parts['model'].kind}): {float(each['share']):.0%} of "
                      f"the weight, learnt from the out-of-fold answers of {read}."))
    return found
