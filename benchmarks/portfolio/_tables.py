"""The tables of the study: where they lie, how they are read, what is asked of them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks import _tools

_GONE = ["?", "<null>", "NA", ""]


@dataclass(frozen=True)
class Table:
    """One table: its task, its file, how that is written, its target and how many rows are used.

    `form` is "keel" (a header of @attribute lines), "arff", a separator, or "blank" (any blanks);
    `head` says whether a separated file names its columns; `target` is a column's name, or its
    place; `drop` are columns (names or places) that give the answer away or name the row.
    """

    name: str
    task: str
    file: str
    form: str = "keel"
    head: bool = True
    target: str | int = -1
    drop: tuple[str | int, ...] = ()
    most: int = 1_500


def _keel(task: str, names: str, most: int = 1_500) -> list[Table]:
    return [Table(name, task, f"{task}/{name}/{name}.dat", most=most) for name in names.split()]


LEARNT_FROM = (
    *_keel("classification", "contraceptive mammographic vehicle1 pima crx car saheart "
           "australian yeast1 splice wdbc flare segment ionosphere page-blocks led7digit nursery "
           "kr-vs-k vowel"),
    *_keel("regression", "compactiv laser quake puma32h plastic treasury wizmir baseball "
           "autoMPG6 mortgage"),
    Table("winequality_red", "regression", "regression/winequality_red/winequality-red.csv", ";"),
    Table("winequality_white", "regression", "regression/winequality_white/winequality-white.csv",
          ";", most=2_500),
    Table("airfoil", "regression", "regression/airfoil/airfoil_self_noise.dat.txt", "\t",
          head=False),
    Table("casp", "regression", "regression/casp/CASP.csv", ",", target="RMSD", most=2_500),
    Table("insurance", "regression", "regression/insurance/insurance.csv", ","),
    Table("qsar_fish", "regression", "regression/qsar-fish-toxicity/qsar_fish_toxicity.csv", ";",
          head=False),
    Table("qsar_aquatic", "regression",
          "regression/qsar_aquatic_toxicity/qsar_aquatic_toxicity.csv", ";", head=False),
    Table("skillcraft", "regression", "regression/skillcraft1/SkillCraft1_Dataset.csv", ",",
          target="LeagueIndex", drop=("GameID",)),
    Table("grid_stability", "regression",
          "regression/electrical_grid_stability/Data_for_UCI_named.csv", ",", target="stab",
          drop=("stabf",), most=2_500),
    Table("communities", "regression", "regression/communities/communities.data", ",", head=False,
          drop=(0, 1, 2, 3, 4)),
    Table("satimage", "classification", "classification/satimage/sat.trn.txt", "blank",
          head=False),
    Table("yeast", "classification", "classification/yeast/yeast.data.txt", "blank", head=False,
          drop=(0,)),
    Table("kc1", "classification", "classification/kc1/kc1.arff.txt", "arff"),
    Table("stroke", "classification", "regression/stroke/full_data.csv", ",", target="stroke",
          most=2_500),
    Table("grid_unstable", "classification",
          "regression/electrical_grid_stability/Data_for_UCI_named.csv", ",", target="stabf",
          drop=("stab",), most=2_500),
    Table("maternal_risk", "classification",
          "regression/maternal_health_risk/Maternal Health Risk Data Set.csv", ","),
)

# Of WHOLEFIT_DATA: nothing is learnt from them.
CHECKED_ON = tuple(Table(name, task, name, "wholefit", target=target, drop=drop, most=1_500)
                   for name, task, target, drop in (
    ("adult", "classification", "income", ()),
    ("california_housing", "regression", "MedHouseVal", ()),
    ("telco_churn", "classification", "churn", ()),
    ("ames_housing", "regression", "Sale_Price", ()),
    ("spambase", "classification", "type", ()),
    ("diamonds", "regression", "price", ()),
    ("credit_data", "classification", "Status", ()),
    ("appliances_energy", "regression", "Appliances", ("datetime", "date")),
    ("letter_recognition", "classification", "lettr", ()),
    ("beijing_pm25", "regression", "pm2.5", ("datetime", "date", "No")),
))


def read(table: Table) -> tuple[pl.DataFrame, str]:
    """The rows that are used, drawn once, and the target's name."""
    if table.form == "wholefit":
        folder = _tools.data_folder() / table.file
        whole = folder / "data.parquet"
        frame = pl.read_parquet(whole) if whole.exists() else pl.read_csv(
            folder / "data.csv.gz", infer_schema_length=None, null_values=["NA"])
    else:
        frame = _parsed(table, _folder() / table.file)
    target = table.target if isinstance(table.target, str) else frame.columns[table.target]
    drop = [name if isinstance(name, str) else frame.columns[name] for name in table.drop]
    frame = frame.drop([name for name in drop if name in frame.columns])
    frame = frame.filter(pl.col(target).is_not_null())
    rows = np.random.default_rng(0).permutation(len(frame))[:table.most]
    return _frequent(frame[np.sort(rows)], target, table.task), target


def _frequent(frame: pl.DataFrame, target: str, task: str) -> pl.DataFrame:
    """Without classes of fewer than six rows, which three folds cannot share."""
    if task != "classification":
        return frame
    return frame.filter(pl.len().over(target) >= 6)


def _folder() -> Path:
    folder = os.environ.get("PORTFOLIO_DATA")
    if not folder:
        raise SystemExit("set PORTFOLIO_DATA to the folder of tables first; see "
                         "benchmarks/portfolio/__init__.py")
    return Path(folder)


def _parsed(table: Table, path: Path) -> pl.DataFrame:
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    names, separator, head = None, table.form, table.head
    if table.form in ("keel", "arff"):
        lines = text.splitlines()
        start = next(i for i, line in enumerate(lines) if line.lower().startswith("@data"))
        names = [line.split()[1].split("{")[0].strip("'\"") for line in lines[:start]
                 if line.lower().startswith("@attribute")]
        body = [line for line in lines[start + 1:] if line.strip() and line[0] != "%"]
        text, separator, head = "\n".join(body), ",", False
    elif table.form == "blank":
        text = "\n".join(",".join(line.split()) for line in text.splitlines() if line.strip())
        separator = ","
    text = "\n".join(separator.join(cell.strip() for cell in line.split(separator))
                     for line in text.splitlines() if line.strip())
    frame = pl.read_csv(text.encode(), separator=separator, has_header=head, null_values=_GONE,
                        infer_schema_length=None)
    return frame if names is None else frame.rename(dict(zip(frame.columns, names, strict=True)))
