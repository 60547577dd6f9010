"""Ask every rule, and order what they say."""

from __future__ import annotations

from wholefit.training.advice._evidence import Evidence
from wholefit.training.advice.records import Advised
from wholefit.training.advice.rules import RULES

# Rules of the sources about networks; they wait for networks and for their experiments.
UNCHECKED = ("output activation and loss by task", "hidden activations", "optimisers",
             "which layers to transfer", "flatten or pool", "dropout and normalisation",
             "recurrent or attention")
_WANTS = {
    "seen": "how it does on the rows it learnt from (seen=)",
    "cures": "cures of over- and underfitting (known=[wf.cures(...)])",
    "curve": "its learning curve (known=[wf.learning_curve(...)])",
    "audit": "how groups of people fare (known=[result.audit(...)])",
}


def advise(evidence: Evidence) -> Advised:
    """What the evidence advises, the gravest first; rules that lack their evidence are named."""
    there = {
        "": True, "seen": evidence.own is not None or evidence.verdict is not None,
        "cures": evidence.cures is not None, "audit": evidence.audit is not None,
        "curve": evidence.verdict is not None or evidence.curve is not None}
    found, silent = [], []
    for rule in RULES:
        if not there[rule.wants]:
            continue
        said = rule.advise(evidence)
        found += said
        silent += [] if said else [rule.name]
    lacking = dict.fromkeys(rule.wants for rule in RULES if not there[rule.wants])
    found.sort(key=lambda each: each.rank)
    return Advised(evidence.target, evidence.model, tuple(found), tuple(silent),
                   tuple(_WANTS[name] for name in lacking), UNCHECKED)
