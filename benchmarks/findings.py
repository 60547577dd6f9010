"""`python -m benchmarks.findings [TABLE...]`: every finding on every untouched table, judged.

All that `profile` and `fit` would find on the real tables of WHOLEFIT_DATA, with the verdicts
kept in findings_verdicts.toml: "right", "wrong" or "debatable", and why. A finding without a
verdict is listed as "open"; a verdict whose finding is gone is listed at the end.
"""

from __future__ import annotations

import sys
import time
import tomllib
import warnings
from collections import Counter
from pathlib import Path

import polars as pl

from benchmarks import _tools

VERDICTS = Path(__file__).parent / "findings_verdicts.toml"
# Table, and the target that its README names or that is usual; None where there is none.
TABLES: dict[str, str | None] = {
    "20newsgroups": "category", "adult": "income", "ames_housing": "Sale_Price",
    "appliances_energy": "Appliances", "attrition": "Attrition", "beijing_pm25": "pm2.5",
    "bible_en_es": None, "brown_pos": "genre", "california_housing": "MedHouseVal",
    "caravan_insurance": "CARAVAN", "chatterbot_corpus": "topic", "classic_series": "value",
    "cora": "subject", "credit_data": "Status", "diamonds": "price",
    "fars_injury": "INJURY_SEVERITY", "fine_food_reviews": "score", "german_credit": "class",
    "household_power_hourly": "Global_active_power", "kddcup_imbalanced": "Class",
    "lecture_ratings": "y", "lending_club": "Class", "letter_recognition": "lettr",
    "libreoffice_en_fr_de": None, "metro_traffic": "traffic_volume",
    "nycflights13": "arr_delay", "online_retail_ii": None, "shuttle": "Class",
    "sms_spam": "spam", "spambase": "type", "state_of_the_union": "party",
    "supermarket_baskets": None, "telco_churn": "churn", "titanic": "survived",
    "trump_tweets": "source", "tuxpaint_stamps": "category", "twemoji": "category",
    "vader_ground_truth": "sentiment", "womens_clothing_reviews": "Recommended IND",
}
_FILES = {"20newsgroups": "train.parquet", "cora": "nodes.parquet",
          "libreoffice_en_fr_de": "en_fr.parquet"}


def main(only: list[str]) -> None:
    verdicts = tomllib.loads(VERDICTS.read_text()) if VERDICTS.exists() else {}
    rows: list[list[str]] = []
    counts: Counter[str] = Counter()
    seen: set[tuple[str, str]] = set()
    for name in only or TABLES:
        found, seconds, shape = examine(name)
        for finding in found:
            verdict = verdicts.get(name, {}).get(finding.key, {"verdict": "open", "why": ""})
            counts[verdict["verdict"]] += 1
            seen.add((name, finding.key))
            rows.append([name, finding.severity, finding.kind, cell(str(finding)),
                         verdict["verdict"], cell(verdict["why"])])
        print(f"{name} {shape[0]:,} x {shape[1]}: {len(found)} in {seconds:.2f} s", flush=True)
    gone = [f"{name}: {key}" for name, keys in verdicts.items() for key in keys
            if (name, key) not in seen and (not only or name in only)]
    text = "\n".join([
        "# Every finding on untouched tables, judged by eye", "",
        f"{len(rows)} findings on {len(only or TABLES)} tables: "
        + ", ".join(f"{n} {verdict}" for verdict, n in counts.most_common()) + ".",
        "Right: it is so, and worth knowing. Debatable: it is so, but a person who knows the data",
        "may shrug. Wrong: a false alarm. Kinds that only count or compare (constant, rare levels,",
        "equal rows, skewness, ...) carry one reason for all tables; the others were judged one",
        "by one. Findings on the same tables with planted faults are counted elsewhere.", "",
        _tools.markdown(["table", "severity", "kind", "finding", "verdict", "why"], rows), "",
        *(["Verdicts whose finding is gone: " + "; ".join(gone) + ".", ""] if gone else []),
        _tools.machine("wholefit", "polars", "numpy"),
    ])
    if only:
        print(text)
    else:
        _tools.save("findings", text)


def table(name: str) -> pl.DataFrame | Path:
    """The table, as `wf.read` takes it."""
    folder = _tools.data_folder() / name
    for file in (_FILES.get(name, "data.parquet"), "data.csv.gz"):
        if (folder / file).exists():
            return folder / file
    raise SystemExit(f"WHOLEFIT_DATA has no table {name}")


def examine(name: str) -> tuple[list, float, tuple[int, int]]:
    """All findings of the table with its target, the seconds they took, and its shape."""
    from wholefit.data import load
    from wholefit.training import leaks

    dataset = load(table(name), target=TABLES[name])
    start = time.perf_counter()
    found = list(leaks.examine(dataset))
    return found, time.perf_counter() - start, (len(dataset), dataset.frame.width)


def cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1:])
