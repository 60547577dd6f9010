"""A profile: what is in each column, at a glance, before anything is learnt.

>>> print(profile({"age": [30, 41, None], "town": ["Ely", "Wells", "Ely"]}).to_text())
memory (dict): 3 rows, 2 columns, ...
"""

from __future__ import annotations

from wholefit.data.profile._parts import (
    Advice,
    Against,
    ByTarget,
    ColumnProfile,
    DateFacts,
    Group,
    Histogram,
    Informs,
    Missing,
    Pair,
    Pairs,
    Scatter,
    Shift,
)
from wholefit.data.profile._profile import Profile
from wholefit.data.profile._run import MOST_ROWS, profile

__all__ = ["MOST_ROWS", "Advice", "Against", "ByTarget", "ColumnProfile", "DateFacts", "Group",
           "Histogram", "Informs", "Missing", "Pair", "Pairs", "Profile", "Scatter", "Shift",
           "profile"]
