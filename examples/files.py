"""One table in many formats, the roles of its columns, and new rows that do not quite fit."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import polars as pl

import wholefit as wf
from wholefit.data import bundled

EXPECTED = {
    "formats that read alike": (5, 5),
    "columns with a reason": (14, 14),
    "columns learnt from, as inferred": (13, 13),
    "columns learnt from, after the override": (12, 12),
    "refusals of a missing column": (1, 1),
    "rows answered all the same": (3, 3),
    "warnings said aloud": (2, 2),
}


def main() -> dict[str, float]:
    loans = wf.read(bundled.path("credit_data")).frame
    with tempfile.TemporaryDirectory() as folder:
        return {**_formats(loans, Path(folder)), **_roles(loans, Path(folder)), **_new(loans)}


def _formats(loans: pl.DataFrame, folder: Path) -> dict[str, float]:
    """The same rows, however they are stored: delimiters and decimal commas are found out."""
    loans.write_csv(folder / "loans.csv")
    loans.write_csv(folder / "comma.csv", separator=";", decimal_comma=True)
    loans.write_ndjson(folder / "loans.jsonl")
    loans.write_parquet(folder / "loans.parquet")
    loans.write_ipc(folder / "loans.arrow")
    files = ("loans.csv", "comma.csv", "loans.jsonl", "loans.parquet", "loans.arrow")
    return {"formats that read alike": sum(wf.read(folder / name).frame.equals(loans)
                                           for name in files)}


def _roles(loans: pl.DataFrame, folder: Path) -> dict[str, float]:
    """Every column has a role and the reason for it; a TOML file overrides what is wrong."""
    asked = {"target": "Status", "models": "dummy", "jobs": 1}
    inferred = wf.fit(loans, **asked).schema
    for column in inferred.columns:
        print(f"  {column.name:10} {column.role:12} {column.reason}")
    # Loans run for one of eleven fixed terms, so each may have a weight of its own; and say that
    # the age may not be used.
    (folder / "roles.toml").write_text('Age = "ignored"\nTime = "categorical"\n')
    chosen = wf.fit(loans, roles=folder / "roles.toml", **asked).schema
    print("after the override:", chosen.column("Age").reason)
    return {
        "columns with a reason": sum(bool(column.reason) for column in inferred.columns),
        "columns learnt from, as inferred": len(inferred.features),
        "columns learnt from, after the override": len(chosen.features),
    }


def _new(loans: pl.DataFrame) -> dict[str, float]:
    """New rows keep their number and order; what does not fit is refused or said aloud."""
    result = wf.fit(loans, target="Status", models="logistic", jobs=1)
    unseen = loans.head(3).drop("Status").with_columns(Home=pl.Series(["boat", "rent", "owner"]))
    refusals = 0
    try:
        result.predict(unseen.drop("Income"))
    except wf.WholefitError as error:
        refusals += 1
        print("refused:", error)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        answers = result.predict(unseen.drop("Income"), missing_column="impute",
                                 unseen_category="fold")
    for warning in said:
        print("said:", warning.message)
    return {"refusals of a missing column": refusals, "rows answered all the same": len(answers),
            "warnings said aloud": len(said)}


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.0f}")
