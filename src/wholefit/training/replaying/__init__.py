"""Replay: a run's decisions, recorded by count, done again and compared to the last bit.

    script.py    what was run, by count, and what a search asks of it instead of a clock
    asked.py     what was asked of the fit, as plain data
    trace.py     what a run left: answers, scores, states, or prints of them
    compare.py   two traces side by side, and where they first differ
    reasons.py   why they may: versions, threads, the machine
    run_file.py  all of it as text that `diff` can read
    again.py     the options of the fit that does it again
"""

from __future__ import annotations

from wholefit.training.replaying.asked import Asked
from wholefit.training.replaying.compare import Part, compare
from wholefit.training.replaying.reasons import reasons
from wholefit.training.replaying.script import Script, Turn, by_count, counted, written
from wholefit.training.replaying.trace import Trace

__all__ = ["Asked", "Part", "Script", "Trace", "Turn", "by_count", "compare", "counted", "reasons",
           "written"]
