"""Twenty labelled tables for anomaly detection, cut from real data sets by stated rules.

Each table is (frame, truth): the frame without its label, truth 1 where a row is an anomaly. Where
a class is not rare by itself it is thinned by chance to a stated share; tables of more than 10,000
rows are sampled to 10,000, classes kept in proportion. The seed of every draw is 0. Labels of
credit, churn or income are no anomalies by birth: those tables are the hard half, where nobody does
much better than chance, and they are here because that is what people hand to a detector.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl

MOST = 10_000
KDD = ("buffer_overflow_vs_back", "guess_passwd_vs_satan", "land_vs_portsweep",
       "land_vs_satan", "rootkit-imap_vs_back")
Table = tuple[pl.DataFrame, np.ndarray]


def tables(folder: Path, homology: Path | None = None) -> Iterator[tuple[str, Table]]:
    """Name and table, in order of name; kdd04_homology only where `homology` names its folder."""
    made: dict[str, Callable[[], Table]] = {
        **{f"kdd_{name}": lambda name=name: _kdd(folder, name) for name in KDD},  # type: ignore[misc]
        "adult": lambda: _thinned(_read(folder, "adult"), "income", ">50K", 0.05),
        "attrition": lambda: _thinned(_read(folder, "attrition"), "Attrition", "Yes", 0.05),
        "caravan": lambda: _thinned(_read(folder, "caravan_insurance"), "CARAVAN", "insurance"),
        "credit": lambda: _thinned(_read(folder, "credit_data"), "Status", "bad", 0.05),
        "diamonds": lambda: _among(_read(folder, "diamonds"), "cut", ["Ideal"], ["Fair"], 0.03),
        "fars": lambda: _among(_read(folder, "fars_injury"), "INJURY_SEVERITY", ["No_Injury"],
                               ["Fatal_Injury"], 0.03),
        "fashion": lambda: _picture(folder / "fashion_mnist", 2),
        "german": lambda: _thinned(_read(folder, "german_credit"), "class", "bad", 0.05),
        "lending": lambda: _thinned(_read(folder, "lending_club"), "Class", "bad"),
        "letter": lambda: _among(_read(folder, "letter_recognition"), "lettr", ["A", "B", "C"],
                                 None, 0.03),
        "mnist": lambda: _picture(folder / "mnist", 4),
        "shuttle": lambda: _among(_read(folder, "shuttle"), "Class", ["Rad.Flow"],
                                  ["Fpv.Open", "Fpv.Close", "Bpv.Open", "Bpv.Close", "Bypass"],
                                  None),
        "spambase": lambda: _thinned(_read(folder, "spambase"), "type", "spam", 0.05),
        "telco": lambda: _thinned(_read(folder, "telco_churn"), "churn", "Yes", 0.05),
    }
    if homology is not None:
        made["homology"] = lambda: _homology(homology)
    for name in sorted(made):
        yield name, made[name]()


def confirming(folder: Path) -> Iterator[tuple[str, Table]]:
    """Ten more tables, cut from the same sources in other ways."""
    fars = ["Fatal_Injury"]
    made: dict[str, Callable[[], Table]] = {
        "credit reversed": lambda: _thinned(_read(folder, "credit_data"), "Status", "good", 0.05),
        "diamonds premium": lambda: _among(_read(folder, "diamonds"), "cut", ["Premium"],
                                           ["Fair"], 0.03),
        "fars possible": lambda: _among(_read(folder, "fars_injury"), "INJURY_SEVERITY",
                                        ["Possible_Injury"], fars, 0.03),
        "fashion bags": lambda: _picture(folder / "fashion_mnist", 8),
        "fashion shirts": lambda: _picture(folder / "fashion_mnist", 0),
        "letter DEF": lambda: _among(_read(folder, "letter_recognition"), "lettr",
                                     ["D", "E", "F"], None, 0.03),
        "letter UVW": lambda: _among(_read(folder, "letter_recognition"), "lettr",
                                     ["U", "V", "W"], None, 0.03),
        "mnist sevens": lambda: _picture(folder / "mnist", 7),
        "shuttle high": lambda: _among(_read(folder, "shuttle"), "Class", ["High"],
                                       ["Fpv.Open", "Fpv.Close", "Bpv.Open", "Bpv.Close"], None),
        "spambase reversed": lambda: _thinned(_read(folder, "spambase"), "type", "nonspam", 0.05),
    }
    for name in sorted(made):
        yield name, made[name]()


def _read(folder: Path, name: str) -> pl.DataFrame:
    parquet = folder / name / "data.parquet"
    if parquet.exists():
        return pl.read_parquet(parquet)
    return pl.read_csv(folder / name / "data.csv.gz", infer_schema_length=None,
                       null_values=["NA"])


def _kdd(folder: Path, name: str) -> Table:
    whole = _read(folder, "kddcup_imbalanced").filter(pl.col("set") == f"kddcup-{name}")
    return _thinned(whole.drop("set"), "Class", "positive")


def _thinned(frame: pl.DataFrame, label: str, odd: str, share: float | None = None) -> Table:
    """Rows of class `odd` are the anomalies, thinned to `share` of the table where it is given."""
    values = frame.get_column(label).cast(pl.String).str.strip_chars()
    matches = [value for value in values.unique() if str(value).lower() == odd.lower()]
    truth = values.is_in(matches).to_numpy()
    if not truth.any():
        raise ValueError(f"no row of {label!r} is {odd!r}: {values.unique().to_list()}")
    return _cut(frame.drop(label), truth, share)


def _among(frame: pl.DataFrame, label: str, usual: list[str], odd: list[str] | None,
           share: float | None) -> Table:
    """Anomalies are rows of the `odd` classes (all others if None) among those of the `usual`."""
    values = frame.get_column(label).cast(pl.String)
    is_usual = values.is_in(usual)
    kept = is_usual | (values.is_in(odd) if odd is not None else pl.Series([True] * len(values)))
    return _cut(frame.filter(kept).drop(label), ~is_usual.filter(kept).to_numpy(), share)


def _cut(frame: pl.DataFrame, truth: np.ndarray, share: float | None) -> Table:
    random = np.random.default_rng(0)
    odd, usual = np.flatnonzero(truth), np.flatnonzero(~truth)
    if share is not None:
        wanted = round(share / (1 - share) * len(usual))
        odd = random.choice(odd, min(wanted, len(odd)), replace=False)
    total = len(odd) + len(usual)
    if total > MOST:
        kept = max(20, round(MOST * len(odd) / total))
        odd = random.choice(odd, min(kept, len(odd)), replace=False)
        usual = random.choice(usual, MOST - len(odd), replace=False)
    rows = random.permutation(np.concatenate([odd, usual]))
    return frame[rows], truth[rows].astype(np.int8)


def _picture(folder: Path, usual: int) -> Table:
    """Pictures of one class (2,000 of them) among which 3 % are of any other class.

    Pixels are averaged over 2 x 2, which leaves 196 of them.
    """
    images = _idx(folder / "train-images-idx3-ubyte.gz", 16).reshape(-1, 14, 2, 14, 2)
    labels = _idx(folder / "train-labels-idx1-ubyte.gz", 8)
    random = np.random.default_rng(0)
    rows = np.concatenate([random.choice(np.flatnonzero(labels == usual), 2000, replace=False),
                           random.choice(np.flatnonzero(labels != usual), 62, replace=False)])
    rows = random.permutation(rows)
    pixels = images[rows].mean(axis=(2, 4)).reshape(len(rows), -1)
    frame = pl.DataFrame({f"pixel {at}": column for at, column in enumerate(pixels.T)})
    return frame, (labels[rows] != usual).astype(np.int8)


def _idx(path: Path, head: int) -> np.ndarray:
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), dtype=np.uint8, offset=head)


def _homology(folder: Path) -> Table:
    """Pairs of proteins, of which 0.9 % are homologous."""
    whole = pl.read_parquet(next(folder.rglob("bio_train.parquet*")))
    return _thinned(whole.drop("EXAMPLE_ID", "BLOCK_ID"), "target", "1")
