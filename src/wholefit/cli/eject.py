"""`wholefit eject`: a saved model as a plain script, run and held against the model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from wholefit.base.errors import WholefitError
from wholefit.cli import _show
from wholefit.cli._app import command, pairs
from wholefit.cli._options import Force, Json, option
from wholefit.cli._places import check_free, named_after
from wholefit.cli._reading import READ, Reading
from wholefit.cli.use import Model, Policy, check_order, noted


@command("eject")
def eject(
    model: Model,
    rows: Annotated[str | None, option(
        "The rows that the model learnt from: the script is run on them and its answers are "
        "compared with the model's.", "FILE")] = None,
    out: Annotated[Path | None, option(
        "The script to write; beside the model under its name if left out.", "SCRIPT")] = None,
    force: Force = False,
    policy: Policy = None,
    reading: Reading = READ,
    as_json: Json = False,
) -> None:
    """Write a plain script that trains and predicts the same without wholefit, and run it.

    wholefit eject m.wf --rows train.csv --out m.py
    """
    import wholefit as wf

    path = out or named_after(model, ".py")
    check_free([path], str(model), force)
    if rows is not None:
        check_order(model, rows)
    with noted():
        loaded = wf.load(model)
        if not hasattr(loaded, "eject"):
            raise WholefitError(f"{model} learnt without a target, and has no plain script: models "
                                "of classes and of numbers have one.")
        found = loaded.eject(path, rows=rows, force=force,
                             **pairs(policy, "--policy", plain=False), **reading)
    if as_json:
        _show.as_json(found.to_json())
        return
    _show.say(_show.wrapped(found.to_text()))
