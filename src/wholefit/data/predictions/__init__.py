"""The log of answers: what a model said, when, how sure it was, and what turned out to be true.

>>> from wholefit.data.predictions import Record, open_log
>>> log = open_log("answers.db")                                       # doctest: +SKIP
>>> log.write([Record("a1", 1.7e9, "churn", "1", {}, {"prediction": "yes"}, 0.8, 0.002)])
1
>>> log.feedback("a1", "no")                                           # doctest: +SKIP
True
>>> log.read(model="churn")["answer.prediction", "truth"]              # doctest: +SKIP

A log is a SQLite file, or any database that SQLAlchemy knows. The rows that were asked about are
personal data and are kept only when that is asked for; without, each column is counted into the
bins of a sketch, hour by hour, which is what drift is judged by.
"""

from __future__ import annotations

from wholefit.data.predictions.counts import Counted
from wholefit.data.predictions.log import Log, open_log
from wholefit.data.predictions.record import Record, moment
from wholefit.data.predictions.writer import Writer

__all__ = ["Counted", "Log", "Record", "Writer", "moment", "open_log"]
