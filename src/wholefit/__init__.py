"""wholefit: from raw data to a trained, honestly scored, safely saved model, in one verb.

>>> import wholefit as wf
>>> result = wf.fit("churn.csv", target="churn")          # doctest: +SKIP
>>> result.predict("new.csv")                             # doctest: +SKIP
>>> result.save("churn.wf")                               # doctest: +SKIP

Importing wholefit wakes no other library; each name below is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from wholefit._version import __version__

if TYPE_CHECKING:
    from wholefit.api import Result, adopt, compare, fit, load, profile, read
    from wholefit.api.engineering import feature, join, load_features, suggest
    from wholefit.api.labelling import agreement, label, label_errors, labelled
    from wholefit.base.errors import WholefitError

_PUBLIC = {
    "fit": "wholefit.api", "load": "wholefit.api", "adopt": "wholefit.api",
    "compare": "wholefit.api", "profile": "wholefit.api", "read": "wholefit.api",
    **dict.fromkeys(("feature", "join", "load_features", "suggest"), "wholefit.api.engineering"),
    **dict.fromkeys(("agreement", "label", "label_errors", "labelled"), "wholefit.api.labelling"),
    "Result": "wholefit.api", "WholefitError": "wholefit.base.errors",
}

__all__ = ["Result", "WholefitError", "__version__", "adopt", "agreement", "compare", "feature",
           "fit", "join", "label", "label_errors", "labelled", "load",
           "load_features", "profile", "read", "suggest"]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'wholefit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
