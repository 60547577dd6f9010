"""`python -m benchmarks.distil [TABLE...]`: what students lose and gain, and if that is told true.

Of each table so many rows are learnt from and up to 6,000 others held out. A teacher is fitted and
teaches three students. What the students lose is told twice: by the rows that were learnt from
(each part judged by a student and a teacher that have not seen it) and by the rows held out; the
first must not flatter. Beside each student the same learner taught by labels alone.
"""

from __future__ import annotations

import dataclasses
import sys
import time
import warnings

import numpy as np

from benchmarks import _tools
from benchmarks.default_tables import table

TABLES = ("german_credit", "titanic", "credit_data", "telco_churn", "adult", "ames_housing",
          "california_housing", "diamonds")
TEACHERS = {"classification": "random_forest(n_estimators=60, min_samples_leaf=2)",
            "regression": "lightgbm"}
ROWS, HELD, ROUNDS = 1200, 6000, 60
HEADER = ["table", "teacher", "student", "score held out", "loss told", "loss held out",
          "by labels alone", "taught", "1,000 rows", "bytes"]


def main(only: list[str]) -> None:
    rows: list[list[str]] = []
    for name in only or TABLES:
        began = time.perf_counter()
        rows += study(name)
        for row in rows[-3:]:
            print("  ".join(row), flush=True)
        print(f"{name}: {time.perf_counter() - began:.0f} s", flush=True)
    text = "\n".join([
        "# Distilling: told and true", "",
        "`python -m benchmarks.distil`: " + " ".join((__doc__ or "").split("\n\n", 1)[1].split()),
        "", f"{ROWS} rows learnt from (two thirds where there are fewer), one seed; log loss for",
        "classes, RMSE for numbers, lower is better; 'loss' is the student's score minus the",
        "teacher's, paired, with its 95 % interval. Times and sizes: how many times less.", "",
        _tools.markdown(HEADER, rows), "", _tools.machine("wholefit", "lightgbm", "scikit-learn"),
    ])
    if only:
        print(text)
    else:
        _tools.save("distil", text)


def study(name: str) -> list[list[str]]:
    import wholefit as wf
    from wholefit.training.distil import STUDENTS

    warnings.simplefilter("ignore")
    frame, target = table(name)
    cut = min(ROWS, len(frame) * 2 // 3)
    train, test = frame[:cut], frame[cut:cut + HELD]
    kind = "regression" if frame[target].dtype.is_float() or frame[target].n_unique() > 30 else (
        "classification")
    teacher = wf.fit(train, target=target, models=TEACHERS[kind], choose="best", checks=False,
                     jobs=1)
    metric = "log_loss" if teacher.task == "classification" else "rmse"
    words = {"to": "all", "rounds": ROUNDS, "jobs": 1, "metric": metric}
    found = teacher.distil(train, **words)
    kept = dict(STUDENTS)
    try:  # the same learners, taught the truth
        for word, student in kept.items():
            STUDENTS[word] = dataclasses.replace(student, ways=((0.0, False),))
        alone = teacher.distil(train, more=0, **words)
    finally:
        STUDENTS.update(kept)
    return [_row(wf, name, teacher, found, alone, each, test, metric) for each in found.students]


def _row(wf, name, teacher, found, alone, each, test, metric):  # type: ignore[no-untyped-def]
    apart = wf.compare(found[each.word], teacher, test, metric=metric)
    plain = wf.compare(alone[each.word], teacher, test, metric=metric)
    return [name, teacher.model, each.word,
            str(found[each.word].evaluate(test, metric=metric)[metric]), _said(each.difference),
            _said(apart), _said(plain), str(each.way),
            f"{found.pace.thousand / each.pace.thousand:.1f}", f"{found.size / each.size:.1f}"]


def _said(found) -> str:  # type: ignore[no-untyped-def]
    digits = max(0, min(4, 2 - int(np.floor(np.log10(max(found.high - found.low, 1e-9))))))
    return f"{found.value:+.{digits}f} [{found.low:+.{digits}f}, {found.high:+.{digits}f}]"


if __name__ == "__main__":
    main(sys.argv[1:])
