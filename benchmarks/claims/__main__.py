"""The sources' claims about learning: experiment, number, verdict.

    python -m benchmarks.claims [ID ...]

Writes results/claims.md; with ids, only runs those rows and prints them.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from pathlib import Path

from threadpoolctl import threadpool_limits

from benchmarks._tools import machine, markdown, save
from benchmarks.claims import (  # noqa: F401  (their claims register here)
    advice,
    anomalies,
    diagnosing,
    explaining,
    explaining_locally,
    families,
    fits,
    keeping,
    networks,
    recommending,
    reducing,
    scores,
    selecting,
    sureness,
)
from benchmarks.claims._claim import CLAIMS, Claim

HEADER = ("id", "the claim", "the experiment", "what was found", "verdict")


def row(claim: Claim) -> tuple[str, ...]:
    start = time.perf_counter()
    if claim.data is not None and not _there(claim.data):
        found, verdict = f"not run: needs {claim.data} in WHOLEFIT_DATA", "not checked here"
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found, verdict = claim.run()
    print(f"{claim.id}: {verdict} ({time.perf_counter() - start:.1f} s)", file=sys.stderr)
    return claim.id, claim.said, claim.experiment, found, verdict


def _there(name: str) -> bool:
    folder = os.environ.get("WHOLEFIT_DATA")
    return bool(folder) and (Path(str(folder)) / name).exists()


def main(asked: list[str]) -> None:
    chosen = [claim for claim in CLAIMS if not asked or set(asked) & set(claim.id.split(", "))]
    sys.stdout = sys.stderr  # what examples print is no part of the table
    with threadpool_limits(1):
        rows = sorted((row(claim) for claim in chosen), key=lambda found: _place(found[0]))
    sys.stdout = sys.__stdout__
    text = markdown(HEADER, rows)
    if asked:
        print(text)
        return
    save("claims", "# Claims about learning\n\n"
         "Made by `make study-claims`; verdicts follow from the numbers by rules in "
         "`benchmarks/claims/`.\n\n"
         f"{machine('numpy', 'scikit-learn', 'polars')}, one thread.\n\n{text}")


def _place(id: str) -> tuple[str, int]:
    first = id.split(",")[0]
    letters = first.rstrip("0123456789")
    return letters, int(first[len(letters):])


if __name__ == "__main__":
    main(sys.argv[1:])
