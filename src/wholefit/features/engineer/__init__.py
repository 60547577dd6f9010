"""Engineered features: new columns made of old ones, learnt on training rows only.

>>> step = feature("ratio", ["debt", "income"], at_zero="zero")
>>> step.name
'debt/income'

`feature` makes one step, `load` reads a list of them from TOML, `save` writes it; the steps go
to `fit(..., transformers=[...])`. The classes themselves (`Ratio`, `Lags`, `TargetMean`, ...)
are transformers with `fit` and `transform`; they are imported when first used.

    [[feature]]
    kind = "ratio"
    columns = ["debt", "income"]
    at_zero = "zero"
"""

from __future__ import annotations

import importlib
from typing import Any

from wholefit.features.engineer._kinds import KINDS, STATES

_WRITING = ("feature", "load", "parse", "save", "dump", "describe", "make", "check", "spec_of",
            "to_toml")
_CLASSES = {place.partition(":")[2]: place for place in KINDS.values()}

__all__ = ["KINDS", "STATES", *sorted(_CLASSES), *sorted(_WRITING)]


def __getattr__(name: str) -> Any:
    if name in _WRITING:
        return getattr(importlib.import_module(f"{__name__}.writing"), name)
    if name in _CLASSES:
        module, _, found = _CLASSES[name].partition(":")
        return getattr(importlib.import_module(module), found)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
