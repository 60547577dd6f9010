"""A fitted model -> a plain script that trains and predicts the same, without wholefit.

    ejected = eject.script(fitted, facts)       # the text, and what should be known of it

The script is written for a reader: it holds what this model needs and nothing else, with
scikit-learn, LightGBM, XGBoost or CatBoost for the learning and polars for the table. It learns
everything anew from the rows that it is given: with the rows that the model learnt from, it
comes to the same model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wholefit.artifact.eject._estimators import learner
from wholefit.artifact.eject._pieces import Pieces, columns_of
from wholefit.artifact.exports._of_subject import chosen, filled_text, sections_of
from wholefit.base.errors import ExportError
from wholefit.training import Fitted

__all__ = ["Origin", "script"]

_NAMES = {"sklearn": "scikit-learn", "lightgbm": "LightGBM", "xgboost": "XGBoost",
          "catboost": "CatBoost", "scipy": "SciPy"}


@dataclass(frozen=True)
class Origin:
    """How the model came to be: catalog `name`, `params`, and the `lineage` of its fit."""

    name: str
    params: dict[str, Any]
    lineage: dict[str, Any]


def script(fitted: Fitted, origin: Origin, file: str = "model.py") -> str:
    """The text of the script; ExportError for a model that no plain script makes, with why."""
    _check(fitted, origin)
    pieces = columns_of(fitted)
    made = learner(fitted, origin)
    pieces.add(made)
    _decision(fitted, pieces)
    classes = getattr(fitted.codec, "classes", None)
    pieces.names |= {"target_number", "main_number"} if classes is None else {
        "target_classes", "main_classes"}
    pieces.constants["CLASSES"] = None if classes is None else list(classes)
    return _written(fitted, origin, pieces, file)


def _check(fitted: Fitted, origin: Origin) -> None:
    """Refuse what a plain script cannot do again."""
    state = fitted.state()
    lineage = origin.lineage
    why = None
    if state.kind == "blend":
        why = "is a blend of several; fit one of them, models=['lightgbm'], and eject that"
    elif state.kind in ("steps", "shifted"):
        why = ("was brought from elsewhere: its own program is the plain script"
               if state.kind == "steps" else
               "learnt from balanced rows; fit with balance=None and state costs= instead")
    elif fitted.replay is not None:
        why = "cleans rows by a learnt recipe; clean the table first and fit on that"
    elif lineage.get("parents"):
        why = "has learnt more rows since its fit (update); fit anew on all rows"
    elif "rows" not in lineage:
        why = "was not fitted by wholefit"
    elif lineage.get("balance"):
        why = "learnt from balanced rows; fit with balance=None and state costs= instead"
    elif any(column.role == "weight" for column in fitted.schema.columns):
        why = "weighs rows; leave weights= out"
    if why:
        raise ExportError(f"this model cannot be ejected as a plain script: it {why}.")


def _decision(fitted: Fitted, pieces: Pieces) -> None:
    """How the script turns probabilities into a class."""
    decision = fitted.decision
    if not getattr(fitted.codec, "classes", None):
        return
    if decision is None:
        pieces.names.add("decide_most")
    elif decision.groups is not None:
        raise ExportError("this model cannot be ejected as a plain script: its threshold differs "
                          "by group; say with_threshold() first.")
    elif decision.threshold is not None:
        pieces.names.add("decide_threshold")
        label = fitted.codec.classes[decision.positive]  # type: ignore[attr-defined]
        pieces.facts |= {"yes": str(decision.positive), "no": str(1 - decision.positive),
                         "threshold": repr(float(decision.threshold)),
                         "said": _plain(f"{label!r} from a probability of "
                                        f"{decision.threshold:.6g} on.")}
    else:
        pieces.names.add("decide_costs")
        pieces.facts["costs"] = repr([list(row) for row in decision.costs or ()])


def _written(fitted: Fitted, origin: Origin, pieces: Pieces, file: str) -> str:
    lineage = origin.lineage
    needs = [_NAMES.get(line.split()[1].split(".")[0], "") for line in pieces.imports]
    libraries = ", ".join(dict.fromkeys(["numpy", "polars", *filter(None, needs)]))
    versions = ", ".join(f"{name} {version}" for name, version in
                         sorted(lineage.get("libraries", {}).items()))
    facts = {
        **pieces.facts, "file": _plain(file), "needs": libraries,
        "title": _plain(f"Predicts {fitted.schema.target}: {origin.name}, trained in plain "
                        "Python."),
        "facts": _plain(f"The model was first fitted on {lineage['rows']} rows with seed "
                        f"{lineage.get('seed', 0)}, by {versions}: other versions may differ "
                        "in the last digits."),
        "standard": "".join(f"{line}\n" for line in sorted(pieces.standard)),
        "imports": "\n".join(sorted(pieces.imports)),
        "target": repr(fitted.schema.target),
        "constants": "\n".join(f"{name} = {value!r}" for name, value in pieces.constants.items()
                               if value is not None),
    }
    parts = sections_of([(_template(), "#")])
    wanted = {"head", "features", *pieces.names}
    blocks = [filled_text(parts[name][1], facts).strip("\n")
              for name in _needed(parts, wanted)]
    return "\n\n\n".join(blocks).replace("\n\n\n\n", "\n\n\n") + "\n"


def _needed(parts: dict[str, tuple[list[str], str]], wanted: set[str]) -> list[str]:
    text = chosen({name: (needs, f"{name}\n") for name, (needs, _) in parts.items()}, wanted)
    return text.split()


def _template() -> str:
    from importlib import resources

    return resources.files(__name__).joinpath("template.txt").read_text(encoding="utf-8")


def _plain(text: str) -> str:
    """Text that may stand in a docstring."""
    return "".join(letter if letter.isprintable() and letter not in '"\\' else "'"
                   for letter in text)
