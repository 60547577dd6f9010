"""Tables: how well made rows pass for real ones, model by model.

    WHOLEFIT_DATA=... python -m benchmarks.generation tables [--rows 5000] [--short]
"""

from __future__ import annotations

import argparse

import wholefit as wf
from benchmarks import _tools
from wholefit.data import bundled

MODELS = ("independent_columns, gaussian_copula, sequential_trees, smoothed_bootstrap, "
          "vae(steps=3000), gan(steps=3000)")
TABLES = {"telco_churn": "churn", "credit_data": "Status"}
MEASURES = ("told_apart", "coverage", "precision", "marginal_distance", "nearer_training",
            "usefulness")


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--short", action="store_true")
    asked = parser.parse_args(words)
    models = "independent_columns, gaussian_copula" if asked.short else MODELS
    lines = ["# Made rows beside real ones", ""]
    for name, label in TABLES.items():
        frame = wf.read(bundled.path(name)).frame.head(300 if asked.short else asked.rows)
        found = wf.fit(frame, task="generation", label=label, models=models, budget="60min")
        rows = [[entry.model, *(str(entry.scores.get(measure, "–")) for measure in MEASURES),
                 f"{entry.fit_seconds:.1f}"] for entry in found.leaderboard]
        lines += [f"## {name}: {len(frame):,} rows", "",
                  _tools.markdown(["model", *MEASURES, "fit s"], rows), ""]
    lines += [_tools.machine("wholefit", "torch", "scikit-learn"), "",
              "Made by `python -m benchmarks.generation tables`."]
    if asked.short:
        print("\n".join(lines))
    else:
        _tools.save("generation_tables", "\n".join(lines))
