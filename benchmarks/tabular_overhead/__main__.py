"""`python -m benchmarks.tabular_overhead [REPEATS]`: the table, alternating, ratios with spread."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import polars as pl

from benchmarks import _tools

HERE = Path(__file__).parent
# A case that has run this many seconds is not repeated: its own length averages the noise.
_ENOUGH = 60.0
# A forest of full-depth trees on all of nycflights13 takes twenty minutes, twice.
_FOREST_ROWS = 20_000
CASES = [("adult", "income", "classification"), ("diamonds", "price", "regression"),
         ("nycflights13", "arr_delay", "regression"),
         ("letter_recognition", "lettr", "classification")]
MODELS = ["linear", "forest", "lightgbm"]


def main(repeats: int, only: str) -> None:
    rows, walls, peaks = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for name, target, kind in CASES:
            whole = pl.read_parquet(_tools.data_folder() / name / "data.parquet")
            for model in MODELS:
                if only in f"{name}/{model}":
                    path, label = table(Path(folder), whole, name, model)
                    row, wall, peak = compare(str(path), label, target, kind, model, repeats)
                    rows.append(row)
                    walls.append(wall)
                    peaks.append(peak)
                    print("  ".join(row), flush=True)
    header = ["data", "model", "ours s", "hand s", "time ratio (min..max)", "ours MB", "hand MB",
              "memory ratio", "runs", "our score", "hand score"]
    text = "\n".join([
        "# wholefit against a hand-written scikit-learn script", "",
        "Whole process: read CSV, 5 folds with out-of-fold predictions, score, refit. wholefit",
        "also fits the baseline and computes every metric with intervals. Ratios below 1 favour",
        "wholefit.",
        "Scores: log loss or RMSE, out of fold. Runs alternate; medians; cases over a minute run",
        "once.", "",
        _tools.machine("wholefit", "scikit-learn", "lightgbm", "pandas", "polars"), "",
        _tools.markdown(header, rows), "",
        f"Geometric mean of time ratios: {_tools.geometric_mean(walls):.2f}; "
        f"of memory ratios: {_tools.geometric_mean(peaks):.2f}.",
    ])
    if only:
        print(text)
    else:
        _tools.save("tabular_overhead", text)


def table(folder: Path, whole: pl.DataFrame, name: str, model: str) -> tuple[Path, str]:
    """The CSV file of a case, and its label: forests of the largest table see a sample."""
    if model == "forest" and len(whole) > 5 * _FOREST_ROWS:
        whole, name = whole.sample(_FOREST_ROWS, seed=0), f"{name} ({_FOREST_ROWS:,} rows)"
    path = folder / f"{name}.csv"
    if not path.exists():
        whole.write_csv(path)
    return path, name


def compare(
    path: str, name: str, target: str, kind: str, model: str, repeats: int
) -> tuple[list[str], float, float]:
    """Alternate the two scripts; the table row and the median ratios."""
    ours, hand = [], []
    start = time.perf_counter()
    for _ in range(repeats):
        if ours and time.perf_counter() - start > _ENOUGH:
            break
        ours.append(_tools.run([sys.executable, str(HERE / "ours.py"), path, target, model, kind]))
        hand.append(_tools.run([sys.executable, str(HERE / "handwritten.py"), path, target, model]))
    ratios = [a.wall / b.wall for a, b in zip(ours, hand, strict=True)]
    wall, peak = _tools.median(ratios), (
        _tools.median(m.peak for m in ours) / _tools.median(m.peak for m in hand))
    middle = [_tools.median(getattr(m, fact) for m in runs)
              for fact in ("wall", "peak") for runs in (ours, hand)]
    row = [name, model, f"{middle[0]:.2f}", f"{middle[1]:.2f}",
           f"{wall:.2f} ({min(ratios):.2f}..{max(ratios):.2f})",
           f"{middle[2]:.0f}", f"{middle[3]:.0f}", f"{peak:.2f}", str(len(ours)),
           f"{score(ours[0].out):.5g}", f"{score(hand[0].out):.5g}"]
    return row, wall, peak


def score(out: str) -> float:
    return float(next(line for line in out.splitlines() if line.startswith("score=")).split("=")[1])


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3, sys.argv[2] if len(sys.argv) > 2 else "")
