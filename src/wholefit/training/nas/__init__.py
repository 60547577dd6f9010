"""Architecture search: what a network of cells looks like is searched as settings are.

    cells.py    cells as one dimension of a space
    space.py    the space for some rows, within a limit of parameters or seconds
    limits.py   the part of a space that a limit allows
    prices.py   what a network costs before it is trained

The search itself is `training.tuning` with the strategy "architecture", or with any other.
"""

from __future__ import annotations

from wholefit.training.nas.cells import Cells
from wholefit.training.nas.space import KINDS, Asked

__all__ = ["KINDS", "Asked", "Cells"]
