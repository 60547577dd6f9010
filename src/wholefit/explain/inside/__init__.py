"""What a model is made of: any fitted model's state, read aloud in the user's columns.

    look(fitted, "logistic", coefficients=None).to_text()
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wholefit.base.errors import StateError
from wholefit.base.state import State
from wholefit.base.wording import counted
from wholefit.explain.inside import additive, networks, others, trees
from wholefit.explain.inside._columns import OTHER, Feature, features
from wholefit.explain.inside.coefficients import Rows, coefficients
from wholefit.explain.inside.record import (
    Coefficient,
    Coefficients,
    Curve,
    Inside,
    Node,
    Rule,
    Share,
    Table,
    Tree,
)
from wholefit.models._kernels.rule_list import RuleList
from wholefit.training import Fitted

__all__ = ["Coefficient", "Coefficients", "Curve", "Inside", "Node", "Rows", "Rule", "Share",
           "Table", "Tree", "coefficients", "columns_of", "linear_part", "look", "path"]

# Parts of an ensemble that are told one by one.
_MOST_PARTS = 10


def look(fitted: Fitted, model: str, known: Coefficients | None = None) -> Inside:
    """What `fitted` is made of; `model` is its name.

    `known` are its coefficients with standard errors, where rows were at hand. StateError for a
    model without a state: a user's own class.
    """
    state = fitted.state()
    classes = tuple(str(name) for name in getattr(fitted.codec, "classes", ()))
    with fitted.reading("the model file cannot be looked into"):
        return _look(state, columns_of(fitted, state), classes, model, known)


def columns_of(fitted: Fitted, state: State) -> list[Feature]:
    """What each feature of the encoded matrix stands for."""
    return features(fitted.encoder, fitted.schema, width(state))


def linear_part(state: State) -> State | None:
    """The state of kind "linear" that answers, alone or calibrated; None where there is none."""
    if state.kind in ("calibrated", "shifted"):
        return linear_part(state.parts["base"])
    return state if state.kind == "linear" else None


def width(state: State) -> int:
    """How many encoded features a state was fitted on."""
    config, arrays = state.config, state.arrays
    if "features" in config:
        return int(config["features"])
    for name, axis in (("coef", 1), ("rows", 1), ("support", 1), ("mean", 1), ("kind", 0)):
        if name in arrays:
            return int(arrays[name].shape[axis])
    for part in state.parts.values():
        if not part.kind.startswith("step."):
            return width(part)
    return 0


def path(fitted: Fitted, row: Any) -> list[str]:
    """The conditions that one encoded row (p,) meets on its way through a tree or a rule list.

    StateError for a model that is not one tree, nor a list of rules.
    """
    state = fitted.state()
    known = columns_of(fitted, state)
    if state.kind == "trees" and len(state.arrays["size"]) == 1:
        return trees.Forest(state).path(row, 0, known)
    if state.kind == "rule_list":
        kernel = RuleList(state)
        rule = int(kernel.first(row[None])[0])
        told = additive.rules(state, known, _seen(state, tuple(
            str(name) for name in getattr(fitted.codec, "classes", ()))))["rules"][rule]
        return list(told.conditions) or ["no rule before the last"]
    raise StateError("a path is of one tree or of a rule list; this model is neither: "
                     "explain(row) tells why a row gets its answer.")


def _look(
    state: State, known: list[Feature], classes: tuple[str, ...], model: str,
    coefs: Coefficients | None = None,
) -> Inside:
    found = _told(state, known, _seen(state, classes), coefs)
    parts = tuple((name, _look(part, columns, inner, part.kind))
                  for name, part, columns, inner in _parts(state, known, classes))
    said = tuple(found.pop("said"))
    return Inside(model, state.kind, said, parts=parts, **found)


def _told(
    state: State, known: list[Feature], outputs: tuple[str, ...], coefs: Coefficients | None
) -> dict[str, Any]:
    kind = state.kind
    if kind == "linear":
        return _linear(state, known, outputs, coefs)
    readers: dict[str, Any] = {
        "trees": lambda: trees.told(state, known, outputs or ("",)),
        "additive": lambda: additive.told(state, known, outputs or ("",)),
        "rule_list": lambda: additive.rules(state, known, outputs or ("",)),
        "constant": lambda: others.constant(state, outputs),
        "neighbors": lambda: others.neighbors(state),
        "kernel_machine": lambda: others.kernel_machine(state, outputs),
        "gaussian_nb": lambda: others.gaussian(state, known, outputs),
        "multinomial_nb": lambda: others.counts(state, known, outputs),
        "bernoulli_nb": lambda: others.counts(state, known, outputs),
        "network": lambda: networks.told(state, outputs),
        **dict.fromkeys(("lightgbm", "xgboost", "catboost"), lambda: others.native(state, known)),
    }
    if kind in readers:
        found: dict[str, Any] = readers[kind]()
        return found
    said = _whole(state)
    # What a corrected or calibrated weighted sum has of errors belongs to the sum inside.
    return {"said": said, "coefficients": coefs} if said else others.unknown(state)


def _whole(state: State) -> list[str]:
    """What is said of a model of models."""
    if state.kind == "calibrated":
        return ["The margins of a classifier, turned into probabilities by a sigmoid a class "
                "(Platt 1999); the classifier itself:"]
    if state.kind == "shifted":
        return ["A model whose probabilities are corrected for the proportions of classes it "
                "learnt from; the model itself:"]
    if state.kind in ("mean", "stack"):
        count = sum(name.isdigit() for name in state.parts)
        kinds = [part.kind for name, part in sorted(state.parts.items()) if name.isdigit()]
        listed = ", ".join(f"{kinds.count(kind)} of kind {kind}" for kind in dict.fromkeys(kinds))
        how = ("their answers are averaged" if state.kind == "mean" else
               "another model weighs their answers (part 'final')")
        more = f" The first {_MOST_PARTS} are told." if count > _MOST_PARTS else ""
        return [f"{counted(count, 'model')} together ({listed}): {how}.{more}"]
    if state.kind == "blend":
        return others.blend(state)
    return others.steps(state) if state.kind == "steps" else []


def _linear(
    state: State, known: list[Feature], outputs: tuple[str, ...], coefs: Coefficients | None
) -> dict[str, Any]:
    found = coefs or coefficients(state, known, outputs)
    what = {"number": "the answer", "log-odds": "the log-odds", "margin": "the margin"}[found.scale]
    kept = sum(one.value != 0 for one in found.rows)
    said = [f"A weighted sum: what each column adds to {what}, in the column's own units"
            + (", against the level of most rows for categories." if any(
                "against '" in one.unit for one in found.rows) else ".")]
    if kept < len(found.rows):
        said.append(f"{len(found.rows) - kept:,} of {len(found.rows):,} coefficients are 0: those "
                    "columns or levels are not used.")
    base = ", ".join(f"{name} {value:.4g}" if name else f"{value:.4g}"
                     for name, value in list(found.intercepts.items())[:6])
    said.append(f"With every number at 0 and every category at that level it starts from {base}.")
    top = [one for one in found.ordered()[:3] if one.value]
    said += [_effect(one, found.scale) for one in top]
    said.append(found.how)
    return {"said": said, "coefficients": found}


def _effect(one: Coefficient, scale: str) -> str:
    """One coefficient as a sentence."""
    step = one.unit if "against" in one.unit else "one more"
    value, interval = one.value, ""
    if one.low is not None and one.high is not None:
        interval = f" [{one.low:.3g}, {one.high:.3g}]"
    odds = ""
    if scale == "log-odds":
        odds = f": the odds times {record_odds(value)}"
    what = {"number": "the answer", "log-odds": "the log-odds", "margin": "the margin"}[scale]
    of = f" of {one.of!r}" if one.of else ""
    return f"{one.column}, {step}: {value:+.3g}{interval} on {what}{of}{odds}."


def record_odds(value: float) -> str:
    """The factor on the odds, written."""
    from math import exp

    return f"{exp(min(value, 700.0)):.3g}"


def _seen(state: State, classes: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the classes that the state's outputs stand for."""
    codes = state.config.get("classes")
    if not classes or codes is None:
        return classes
    return tuple(classes[code] for code in codes)


def _parts(
    state: State, known: list[Feature], classes: tuple[str, ...]
) -> list[tuple[str, State, list[Feature], tuple[str, ...]]]:
    """Name, state, features and classes of each part that is told."""
    found: list[tuple[str, State, list[Feature], tuple[str, ...]]] = []
    if state.kind in ("calibrated", "shifted"):
        return [("base", state.parts["base"], known, classes)]
    if state.kind == "steps":
        part = state.parts["model"]
        return [("model", part, features(None, None, width(part)), classes)]
    inner = _inner(state, classes)
    columns = state.arrays.get("columns")
    numbered = sorted((name for name in state.parts if name.isdigit()), key=int)
    for at, name in enumerate(numbered[:_MOST_PARTS]):
        shown: Sequence[Feature] = known if columns is None else [
            known[int(each)] for each in columns[at]]
        found.append((name, state.parts[name], list(shown), inner))
    if "final" in state.parts:
        last = state.parts["final"]
        found.append(("final", last, _answers(state, known, inner), inner))
    return found


def _answers(
    state: State, known: list[Feature], classes: tuple[str, ...]
) -> list[Feature]:
    """What the last model of a stack is shown: the members' answers, then perhaps the columns."""
    shown = classes[1:] if len(classes) == 2 else classes or ("answer",)
    numbered = sorted((name for name in state.parts if name.isdigit()), key=int)
    found = [Feature(f"member {name}: {word}", f"member {name}: {word}", OTHER)
             for name in numbered for word in shown]
    found += known if state.config.get("through") else []
    last = width(state.parts["final"])
    return found if len(found) == last else features(None, None, last)


def _inner(state: State, classes: tuple[str, ...]) -> tuple[str, ...]:
    """Members of a mean or stack answer for the classes seen, coded anew."""
    sizes = {int(part.config.get("n_classes", 0)) for name, part in state.parts.items()
             if name.isdigit()}
    return classes if sizes <= {0, len(classes)} else _seen(state, classes)
