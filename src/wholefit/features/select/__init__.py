"""Selection of features: which of the encoded ones a model gets, learnt on training rows only.

    Encoding(select="f", keep=20)              # the twenty of the largest F
    Encoding(select="l1")                      # as many as the method itself would keep
    Encoding(select="tree", keep=0.5, whole_columns=True)   # the better half of the columns

Univariate methods look at one feature at a time; `correlation` drops those that repeat another;
`l1` and `rfe` weigh them against one another in a linear model; `tree` in a forest.
"""

from __future__ import annotations

from wholefit.features.select._seen import Scores, Seen
from wholefit.features.select._selection import Selection

__all__ = ["Scores", "Seen", "Selection"]
