"""The worst slices: parts of the rows where the model does worse than elsewhere, found by search.

Thousands of parts are looked at (levels, ranges, gaps and words, alone and joined), and the worst
of thousands looks bad by chance alone. So the rows are cut in two halves: parts found on one half
are judged on the other, and the other way round. Each half's few candidates share half of the
permitted chance of a false alarm, the first of them the most (Holm 1979, with weights); what is
said of a part is measured on rows that had no part in choosing it.

Slices by search: Chung, Kraska, Polyzotis, Tae and Whang (2019), Slice Finder; Sagadeeva and
Boehm (2021), SliceLine, from which the product of matrices is.
"""

from __future__ import annotations

from wholefit.evaluation.worst._conditions import Condition
from wholefit.evaluation.worst._find import worst
from wholefit.evaluation.worst._told import Worst, WorstSlice

__all__ = ["Condition", "Worst", "WorstSlice", "worst"]
