"""Reductions beside the libraries they use: overhead, PCA against SVD, places of new rows.

Ours and the library's own call run in one process that has umap-learn and openTSNE: this one if
it has them (extra "maps"), else the peer's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks import _tools
from wholefit.base.optional import available

ROOT = Path(__file__).parents[2]


def table(peer: str | None, short: bool) -> list[str]:
    """The lines of this part: Markdown without a heading."""
    here = available("umap") and available("openTSNE")
    python = sys.executable if here or peer is None else peer
    found = _measured(python, short)
    lines = [
        "Both sides get the same array; ours includes reading the state that an artifact keeps. "
        "One thread, seeds set. Ratios are ours over the library's, median of the rounds "
        "with their range.", "",
        _tools.markdown(
            ["what", "data", "ours s", "library s", "ratio", "range"],
            [[t["what"], t["data"], f"{t['ours']:.3g}", f"{t['library']:.3g}",
              f"{t['ratio']:.2f}", f"{t['low']:.2f} to {t['high']:.2f}"]
             for t in found["times"]]), ""]
    if found["placements"]:
        lines += _placed(found["placements"])
    else:
        lines += ["UMAP and openTSNE are not installed here and no peer was named: left out.", ""]
    return lines


def _placed(rows: list[dict[str, Any]]) -> list[str]:
    names = ["trustworthiness", "continuity", "distance_correlation", "label_agreement"]
    return [
        "New rows on a finished UMAP map: ours (numpy, from the state: weighted neighbours) and "
        "umap-learn's own transform, each on its own map of the same rows and seed.", "",
        _tools.markdown(
            ["data", "new rows", "by", "seconds", *names],
            [[r["data"], f"{r['rows']:,}", r["who"], f"{r['seconds']:.2f}",
              *(r.get(name, "–") for name in names)] for r in rows]), ""]


def _measured(python: str, short: bool) -> dict[str, Any]:
    threads = dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    path = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    out = subprocess.run(
        [python, "-m", "benchmarks.unlabelled._reduction_times", *(["--short"] if short else [])],
        cwd=ROOT, env={**os.environ, **threads, "PYTHONPATH": path}, check=True,
        stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found
