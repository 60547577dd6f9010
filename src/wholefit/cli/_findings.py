"""Findings in a terminal: the grave ones as a line each, the rest counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wholefit.data.findings import Finding

_MOST = 6
# What a fit says in its own warnings already.
_SAID = ("tiny_class", "few_rows", "imbalance")


def lines(found: Sequence[Finding], most: int = _MOST) -> list[str]:
    """A line for each critical finding and warning, at most `most`, and one that counts the rest.

    Notes of reading are told elsewhere, and so is what a fit warns of itself.
    """
    grave = [one for one in found if one.severity != "info" and one.kind not in _SAID]
    shown = grave[:most]
    told = [f"{'LEAK?' if one.severity == 'critical' else 'check'}: {one}" for one in shown]
    rest = Counter("more to check" if one in grave else "to know"
                   for one in found if one not in shown and one.kind not in _SAID)
    if rest:
        counted = " and ".join(f"{count} {what}" for what, count in sorted(rest.items()))
        told.append(f"also found: {counted} (--report shows all; --no-checks looks for none)")
    return told
