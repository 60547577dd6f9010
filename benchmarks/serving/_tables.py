"""The rows that are learnt from and asked: adult, and the models of it."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from benchmarks import _tools

TARGET, ROWS, ASKED = "income", 20_000, 1000
# The same models everywhere: wholefit's words, and what `peers/prepare.py` calls them.
MODELS = {
    "lightgbm": "lightgbm(n_estimators=100, learning_rate=0.1, max_leaf_nodes=31)",
    "logistic": "logistic",
    "mlp": "mlp(layers=1, width=64, scaling='standard', epochs=15)",
}


def prepared(folder: Path) -> None:
    """Rows for every server: train.csv, one.json (a row by name) and many.json (1,000 of them)."""
    table = pl.read_parquet(_tools.data_folder() / "adult" / "data.parquet")
    table = table.rename({name: name.replace("-", "_") for name in table.columns})
    table = table.sample(ROWS + ASKED, shuffle=True, seed=0)
    table[:ROWS].write_csv(folder / "train.csv")
    # A category that is not in the training rows is another question: none is asked.
    asked = table[ROWS:]
    for name in asked.columns:
        if asked[name].dtype == pl.String:
            asked = asked.filter(pl.col(name).is_in(table[:ROWS][name].unique().implode()))
    rows = asked.drop(TARGET).to_dicts()
    rows = (rows * 2)[:ASKED]
    (folder / "one.json").write_text(json.dumps(rows[0]))
    (folder / "many.json").write_text(json.dumps(rows))


def fitted(folder: Path, name: str) -> Path:
    """wholefit's model file, fitted once."""
    import wholefit as wf

    path = folder / f"{name}.wf"
    if not path.exists():
        result = wf.fit(folder / "train.csv", target=TARGET, models=MODELS[name], choose="best",
                        checks=False, jobs=1)
        result.save(path)
    return path
