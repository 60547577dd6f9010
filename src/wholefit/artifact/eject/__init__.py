"""A fitted model -> a plain script that trains and predicts the same, without wholefit.

    text = eject.script(fitted, Origin(name, params, lineage))

The script is written for a reader: it holds what this model needs and nothing else, with
scikit-learn, LightGBM, XGBoost, CatBoost or PyTorch for the learning and polars for the table. It
learns everything anew from the rows that it is given: with the rows that the model learnt from, it
comes to the same model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit import models
from wholefit.artifact.eject import _blend
from wholefit.artifact.eject._blend import folds_of
from wholefit.artifact.eject._estimators import Lesson, learner
from wholefit.artifact.eject._linked import Linked, Part, linked
from wholefit.artifact.eject._pieces import Pieces, columns_of
from wholefit.artifact.exports._of_subject import chosen, filled_text, sections_of
from wholefit.base.errors import ExportError, ParameterError
from wholefit.base.stored import reading
from wholefit.models import Model
from wholefit.models._network_entry import NetworkModel
from wholefit.training import Fitted
from wholefit.training._search import asked_before, settled

__all__ = ["Origin", "folds_of", "is_folded", "script"]

_NAMES = {"sklearn": "scikit-learn", "lightgbm": "LightGBM", "xgboost": "XGBoost",
          "catboost": "CatBoost", "scipy": "SciPy", "torch": "PyTorch"}


# How `main` trains, and answers the rows at hand and new ones.
_ALONE = {
    "learn": "    features = Features().fit(frame)\n"
             "    model = train(features.transform(frame), y)",
    "seen": "ask(model, features.transform(frame))",
    "new": "ask(model, features.transform(read(new_path)))"}
_BLEND = {"learn": "    blend = train_all(frame, y)", "seen": "ask_all(blend, frame)",
          "new": "ask_all(blend, read(new_path))"}


@dataclass(frozen=True)
class Origin:
    """How the model came to be: catalog `name`, `params`, and the `lineage` of its fit."""

    name: str
    params: dict[str, Any]
    lineage: dict[str, Any]


def script(
    fitted: Fitted, origin: Origin, file: str = "model.py", folds: np.ndarray | None = None
) -> str:
    """The text of the script; ExportError for a model that no plain script makes, with why.

    `folds` (rows,) are those of a blend, as `folds_of` gives them.
    """
    with reading("the model cannot be ejected as a plain script"):
        _check(fitted, origin)
        parts = [_single(fitted, origin)] if fitted.state().kind != "blend" else (
            _blend.parts_of(fitted, origin.lineage, folds))
        _ended(fitted, parts)
        return _written(fitted, origin, parts, file)


def is_folded(fitted: Fitted) -> bool:
    """True for a blend whose script needs to be told the folds."""
    state = fitted.state()
    return state.kind == "blend" and _blend.folded(state)


def _single(fitted: Fitted, origin: Origin) -> Part:
    """The pieces of a model that was fitted once, on all rows."""
    model = _settled(_catalog(origin.name, origin.params), origin.lineage)
    pieces = columns_of(fitted.schema, fitted.encoder.state(), isinstance(model, NetworkModel))
    pieces.add(learner(model, _lesson(fitted, origin, model)))
    pieces.names.add("features")
    return Part(pieces, "")


def _ended(fitted: Fitted, parts: list[Part]) -> None:
    """The last part reads the target, decides, and runs it all."""
    pieces = parts[-1].pieces
    if len(parts) > 1:  # how cells are read is the same for all
        pieces.constants |= {name: parts[0].pieces.constants[name]
                             for name in ("TEXTS", "CODED", "REAL")}
    _decision(fitted, pieces)
    classes = getattr(fitted.codec, "classes", None)
    pieces.names |= {"target_number", "main_number"} if classes is None else {
        "target_classes", "main_classes"}
    pieces.constants["CLASSES"] = None if classes is None else list(classes)
    pieces.facts |= _BLEND if {"blend", "blend_whole"} & pieces.names else _ALONE


def _catalog(name: str, params: dict[str, Any]) -> Model:
    try:
        return models.make(name).replace(**params)
    except ParameterError as error:
        raise ExportError("this model cannot be ejected as a plain script: its settings have no "
                          f"plain form ({error}).") from error


def _turn(model: Model, lineage: dict[str, Any]) -> dict[str, Any]:
    """What the fit's schedule says of the model; nothing where it says nothing."""
    return next((turn for turn in lineage.get("schedule", ()) if turn.get("name") == model.name
                 and turn.get("params") == model.to_dict()), {})


def _settled(model: Model, lineage: dict[str, Any]) -> Model:
    """With as many rounds as it was fitted with, where its folds found them by stopping early."""
    return settled(model, _turn(model, lineage).get("rounds") or () if model.watches else (),
                   asked_before(lineage))


def _lesson(fitted: Fitted, origin: Origin, model: Model) -> Lesson:
    """What the model was taught, when it was fitted on all rows."""
    lineage = origin.lineage
    turn = _turn(model, lineage)
    counted = (turn.get("counted") or [])[turn.get("folds", 0):][:1]
    return Lesson(fitted.task, fitted.encoder, int(lineage["rows"]),
                  len(getattr(fitted.codec, "classes", ())), int(lineage.get("seed", 0)),
                  int(lineage.get("jobs", 1)), [dict(each[0]) for each in counted if each] or None)


def _check(fitted: Fitted, origin: Origin) -> None:
    """Refuse what a plain script cannot do again."""
    state = fitted.state()
    lineage = origin.lineage
    why = None
    if state.kind in ("steps", "shifted"):
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


def _written(fitted: Fitted, origin: Origin, parts: list[Part], file: str) -> str:
    sections = sections_of([(_template(), "#")])

    def text_of(section: str, part: Part) -> str:
        facts = dict(part.pieces.facts)
        if section in ("blend", "blend_whole"):  # what its members are called is settled by now
            facts["called"] = _blend.called(parts[:-1])
        return filled_text(sections[section][1], facts).strip("\n") + "\n"

    found = linked(parts, list(sections), lambda names: _needed(sections, names), text_of)
    head = filled_text(sections["head"][1], _head(fitted, origin, parts, file, found))
    return "\n\n\n".join(each.strip("\n") for each in (head, *found.blocks)) + "\n"


def _head(
    fitted: Fitted, origin: Origin, parts: list[Part], file: str, found: Linked
) -> dict[str, str]:
    """What the script says of itself, imports, and its constants."""
    lineage = origin.lineage
    imports = sorted(set().union(*(part.pieces.imports for part in parts)))
    needs = [_NAMES.get(line.split()[1].split(".")[0], "") for line in imports]
    libraries = ", ".join(dict.fromkeys(["numpy", "polars", *filter(None, needs)]))
    versions = ", ".join(f"{name} {version}" for name, version in
                         sorted(lineage.get("libraries", {}).items()))
    what = origin.name if len(parts) == 1 else (
        f"the weighted mean of {len(parts) - 1} models, each fitted on several folds"
        if len(parts) > 2 else f"the mean of {parts[0].suffix} fitted on several folds")
    return {
        "file": _plain(file), "needs": libraries,
        "title": _plain(f"Predicts {fitted.schema.target}: {what}, trained in plain Python."),
        "facts": _plain(f"The model was first fitted on {lineage['rows']} rows with seed "
                        f"{lineage.get('seed', 0)}, by {versions}: other versions may differ "
                        "in the last digits."),
        "standard": "".join(f"{line}\n" for line in sorted(
            set().union(*(part.pieces.standard for part in parts)), key=_from_last)),
        "imports": "\n".join(imports),
        "target": repr(fitted.schema.target),
        "constants": "\n".join(f"{name} = {value!r}" for name, value in found.constants.items()),
    }


def _from_last(line: str) -> tuple[bool, str]:
    """Sorts `import x` before `from x import y`."""
    return line.startswith("from"), line


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
