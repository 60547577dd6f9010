"""`python -m benchmarks.compress [--times] [TABLE...]`: what compressing costs, and what it buys.

Of each table 3,000 rows are learnt from and up to 4,000 others held out; a network, a forest and
boosted trees are compressed in every way they take, and networks are pruned further and further.
Scores are of the rows held out; "loss" is the score minus that before, paired, with its 95 %
interval (log loss for classes, RMSE for numbers: lower is better).

With `--times`, also how many times quicker (on a machine that does nothing else).

Claims looked at: weights of 8 bits make a model about four times smaller at little loss, and
quicker; half of the weights can be taken away without substantial loss; pruning lessens
overfitting.
"""

from __future__ import annotations

import sys
import time
import warnings

import numpy as np

from benchmarks import _tools
from benchmarks.default_tables import table

TABLES = ("adult", "california_housing", "letter_recognition", "spambase")
MODELS = {"network": "mlp(width=128, epochs=20)",
          "forest": "random_forest(n_estimators=100, min_samples_leaf=3)",
          "boosted": "lightgbm"}
ROWS, HELD, SPARSE = 3000, 4000, (0.5, 0.8, 0.9, 0.95)
HEADER = ["table", "model", "way", "score", "loss", "verdict", "agrees", "learnt: times less",
          "on disk"]
TIMES = ["1,000 rows", "one row"]


def main(words: list[str]) -> None:
    times, only = "--times" in words, [word for word in words if word != "--times"]
    rows: list[list[str]] = []
    for name in only or TABLES:
        for kind, model in MODELS.items():
            began = time.perf_counter()
            rows += study(name, kind, model)
            print(f"{name} {kind}: {time.perf_counter() - began:.0f} s", flush=True)
    text = told(rows, times)
    if only:
        print(text)
    else:
        _tools.save("compress", text)


def told(rows: list[list[str]], times: bool) -> str:
    shown = rows if times else [row[:len(HEADER)] for row in rows]
    return "\n".join([
        "# Compressing: what is lost, what is gained", "",
        "`python -m benchmarks.compress`: " + " ".join((__doc__ or "").split("\n\n", 1)[1].split()),
        "", "Sizes: how many times less than before.", "",
        _tools.markdown(HEADER + (TIMES if times else []), shown), "", *_claims(rows, times), "",
        _tools.machine("wholefit", "torch", "lightgbm", "scikit-learn")])


def study(name: str, kind: str, model: str) -> list[list[str]]:
    import wholefit as wf

    warnings.simplefilter("ignore")
    frame, target = table(name)
    cut = min(ROWS, len(frame) * 2 // 3)
    train, test = frame[:cut], frame[cut:cut + HELD]
    result = wf.fit(train, target=target, models=model, choose="best", checks=False, jobs=1,
                    folds=2)
    metric = "log_loss" if result.task == "classification" else "rmse"
    found = result.compress(train, held_out=test, metric=metric, jobs=1)
    rows = [_row(name, kind, found, each, each.word) for each in found.found]
    if kind == "network":
        for share in SPARSE:
            more = result.compress(train, held_out=test, metric=metric, jobs=1, to="pruned",
                                   sparsity=share)
            rows.append(_row(name, kind, more, more.found[0], f"pruned {share:.0%}"))
        plain = result.compress(train, held_out=test, metric=metric, jobs=1, to="pruned",
                                sparsity=1e-9)
        rows.append(_row(name, kind, plain, plain.found[0], "taught on, nothing pruned"))
    return rows


def _row(name, kind, found, each, word):  # type: ignore[no-untyped-def]
    gap = each.difference
    verdict = {"a": "better", "b": "worse"}.get(gap.better, "tied")
    return [name, kind, word, str(each.scores[found.metric]), _said(gap), verdict,
            f"{each.agreement:.3f}", f"{found.weights / each.weights:.1f}",
            f"{found.size / each.size:.1f}", f"{found.pace.thousand / each.pace.thousand:.1f}",
            f"{found.pace.one / each.pace.one:.1f}"]


def _said(found) -> str:  # type: ignore[no-untyped-def]
    digits = max(0, min(5, 2 - int(np.floor(np.log10(max(found.high - found.low, 1e-9))))))
    return f"{found.value:+.{digits}f} [{found.low:+.{digits}f}, {found.high:+.{digits}f}]"


def _claims(rows: list[list[str]], times: bool) -> list[str]:
    """Each claim, and in how many of the pairs it held."""
    found = []
    for word in ("float16", "int8", "dynamic", "static", "pruned 50%", "pruned 80%", "pruned 90%",
                 "pruned 95%", "taught on, nothing pruned", "structured"):
        mine = [row for row in rows if row[2] == word and row[1] == "network"]
        if not mine:
            continue
        verdicts = ", ".join(f"{sum(row[5] == each for row in mine)} {each}"
                             for each in ("better", "tied", "worse"))
        size, pace = (np.median([float(row[at]) for row in mine]) for at in (7, 9))
        quicker = f", {pace:.1f} times quicker on 1,000 rows" if times else ""
        found.append(f"- {word}: {verdicts}, of {len(mine)} networks; {size:.1f} times less "
                     f"learnt{quicker} (median).")
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
