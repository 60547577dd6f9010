"""Distillation: one small model taught by a large one, with what it loses and what it gains.

    found = distil(fitted, rows, Options(to="all"))
    found.row("tree").fitted          # a Fitted like any other
    found.to_text()                   # score, paired difference, speed, size, side by side

Teaching and judging are kept apart: a student that is judged on a row was not taught that row, and
where the fit's out-of-fold answers are known they are what is taught and what the student is
compared with. See `wholefit.training.distil.lesson` for how a way of teaching is chosen.
"""

from __future__ import annotations

from wholefit.training.distil.judge import Given
from wholefit.training.distil.options import Options
from wholefit.training.distil.record import Comparison, Pace, Taught
from wholefit.training.distil.run import distil
from wholefit.training.distil.students import STUDENTS

__all__ = ["STUDENTS", "Comparison", "Given", "Options", "Pace", "Taught", "distil"]
