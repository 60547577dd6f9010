"""Anomaly detection beside PyOD's detectors, on labelled tables whose labels nobody learns from.

Twenty tables, on which the default's shares of neighbours and common scale were settled, and ten
more (see `_tables`), after a look at which one choice was made: two reaches of neighbours
in place of the tails of single columns. No table is left that the default never saw. All rows are
fitted on, anomalies among them, and the same rows are ranked, as PyOD's own benchmark does.
wholefit is `wf.fit(frame, task="anomaly")` as it comes. PyOD takes numbers only, so each of its
detectors gets every table twice: categories one-hot and all standardised, as is usual; and
wholefit's own preparation, categories as rarities. Its better mean of the two counts. The
environment variable ANOMALY_HOMOLOGY names the folder of kdd04_homology (`fetch.py`).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import _tools
from benchmarks.unlabelled import _anomaly_tables as cut

LOOKED = ("All rows are fitted on, anomalies among them, and the same rows are ranked; no label is "
          "used. wholefit's seconds include the threshold, for which every row is scored by "
          "detectors that had not learnt from it. PyOD's detectors get each table one-hot, as is "
          "usual, and with wholefit's rarities of categories. The shares of neighbours and the "
          "common scale of wholefit's default were settled on these twenty tables.")
OTHERS = ("Ten other tables. One choice was made after a look at them: two reaches of neighbours "
          "took the place of the tails of single columns.")
SHORT = ("german", "kdd_land_vs_portsweep", "letter")
HOMOLOGY = "ANOMALY_HOMOLOGY"
PEER = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import numpy as np, pyod
from pyod.models.cblof import CBLOF
from pyod.models.copod import COPOD
from pyod.models.ecod import ECOD
from pyod.models.gmm import GMM
from pyod.models.hbos import HBOS
from pyod.models.iforest import IForest
from pyod.models.inne import INNE
from pyod.models.knn import KNN
from pyod.models.loda import LODA
from pyod.models.lof import LOF
from pyod.models.mcd import MCD
from pyod.models.ocsvm import OCSVM
from pyod.models.pca import PCA
seeded = {CBLOF, GMM, IForest, INNE, MCD, PCA}
held = np.load(sys.argv[1])
found, seconds = {}, {}
for way in ("one-hot", "rarity"):
    for kind in (CBLOF, COPOD, ECOD, GMM, HBOS, IForest, INNE, KNN, LODA, LOF, MCD, OCSVM, PCA):
        name = f"{way} {kind.__name__}"
        if kind is MCD and held[way].shape[1] > 250:
            continue
        np.random.seed(0)
        start = time.perf_counter()
        try:
            made = kind(random_state=0) if kind in seeded else kind()
            made.fit(held[way])
            found[name] = np.nan_to_num(made.decision_scores_)
        except Exception as error:
            print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
            found[name] = np.zeros(len(held[way]))
        seconds[name] = time.perf_counter() - start
np.savez(sys.argv[2], **found)
print(json.dumps({"seconds": seconds, "version": pyod.__version__}))
"""


def table(peer: str | None, short: bool) -> list[str]:
    """The lines of the section: means over the tables, each table, and the ten others."""
    folder = _tools.data_folder()
    homology = os.environ.get(HOMOLOGY)
    first = cut.tables(folder, Path(homology) if homology else None)
    lines = _section(first, peer, short, "tables")
    if homology is None:
        lines.insert(0, f"kdd04_homology is left out: {HOMOLOGY} does not name its folder.\n")
    if short:
        return lines
    return [LOOKED, "", *lines, "", OTHERS, "",
            *_section(cut.confirming(folder), peer, short, "other tables")]


def _section(
    made: Iterator[tuple[str, cut.Table]], peer: str | None, short: bool, called: str
) -> list[str]:
    names: list[str] = []
    rows: dict[str, list[tuple[float, float, float]]] = {}
    version, sizes = "", []
    for name, (frame, truth) in made:
        if short and name not in SHORT:
            continue
        names.append(name)
        sizes.append((frame.height, int(truth.sum())))
        scores, seconds = ours(frame)
        _put(rows, {"wholefit": scores}, {"wholefit": seconds}, truth)
        if peer:
            found, taken, version = theirs(peer, frame)
            _put(rows, found, taken, truth)
        print(f"{name}: {seconds:.1f} s", file=sys.stderr, flush=True)
    lines = _means(rows, len(names), called)
    if peer:
        lines += ["", *_verdict(rows, names), "", *_each(rows, names, sizes), "",
                  f"PyOD {version}."]
    else:
        lines += ["", "No peer was measured: --peer-python names none."]
    return lines


def ours(frame: Any) -> tuple[np.ndarray, float]:
    """Scores of all rows, and the seconds to fit, set the threshold, and score."""
    import wholefit as wf

    start = time.perf_counter()
    result = wf.fit(frame, task="anomaly")
    scores = result.score_samples(frame).get_column("score").to_numpy()
    return scores, time.perf_counter() - start


def theirs(peer: str, frame: Any) -> tuple[dict[str, np.ndarray], dict[str, float], str]:
    """Scores of every PyOD detector on both preparations, and their seconds."""
    with tempfile.TemporaryDirectory() as folder:
        given, got = Path(folder) / "given.npz", Path(folder) / "got.npz"
        np.savez(given, **prepared(frame))  # type: ignore[arg-type]
        done = subprocess.run([peer, "-c", PEER, str(given), str(got)], capture_output=True,
                              text=True, check=True)
        told = json.loads(done.stdout.splitlines()[-1])
        with np.load(got) as held:
            return {name: held[name] for name in held}, told["seconds"], told["version"]


def prepared(frame: Any) -> dict[str, np.ndarray]:
    """The two matrices that PyOD is given, standardised, constant features left out."""
    from wholefit.data import dataset_of
    from wholefit.features.encoder import Encoder
    from wholefit.features.encoding import Encoding
    from wholefit.models._detectors.base import for_detectors, learn_columns
    from wholefit.models._kernels.detectors import Columns

    dataset = dataset_of(frame)
    usual = Encoder(Encoding(scale="standard", text="svd", dense=True)).fit(dataset)
    one = usual.transform(dataset)
    spread = one.std(axis=0)
    one = ((one - one.mean(axis=0)) / np.where(spread > 0, spread, 1))[:, spread > 0]
    own = Encoder(for_detectors()).fit(dataset)
    X = own.transform(dataset)
    return {"one-hot": one,
            "rarity": Columns(learn_columns(X, own.categorical)).prepare(X)}


def _put(
    rows: dict[str, list[tuple[float, float, float]]], scores: dict[str, np.ndarray],
    seconds: dict[str, float], truth: np.ndarray,
) -> None:
    from sklearn.metrics import average_precision_score, roc_auc_score

    for name, found in scores.items():
        rows.setdefault(name, []).append((
            float(roc_auc_score(truth, found)), float(average_precision_score(truth, found)),
            seconds[name]))


def _means(
    rows: dict[str, list[tuple[float, float, float]]], count: int, called: str
) -> list[str]:
    """One line a detector, best mean AUROC first."""
    whole = {name: np.array(found) for name, found in rows.items() if len(found) == count}
    order = sorted(whole, key=lambda name: -whole[name][:, 0].mean())
    shown = [[name if name == "wholefit" else " ".join(reversed(name.split(" ", 1))),
              *(f"{value:.4f}" for value in whole[name][:, :2].mean(axis=0)),
              f"{whole[name][:, 2].sum():.1f}"] for name in order]
    left = sorted(set(rows) - set(whole))
    lines = [_tools.markdown(
        ["detector", f"mean AUROC, {count} {called}", "mean average precision", "seconds in all"],
        shown)]
    if left:
        lines += ["", "Not run on every table, and so without a mean: " + ", ".join(left) + "."]
    return lines


def best(rows: dict[str, list[tuple[float, float, float]]], count: int) -> str:
    """The peer's detector with the best mean AUROC."""
    means = {name: float(np.mean([one[0] for one in found])) for name, found in rows.items()
             if name != "wholefit" and len(found) == count}
    return max(means, key=lambda name: means[name])


def _verdict(rows: dict[str, list[tuple[float, float, float]]], names: Sequence[str]) -> list[str]:
    """wholefit less the peer's best, with an interval over tables."""
    from scipy.stats import t

    top = best(rows, len(names))
    apart = np.array([a[0] - b[0] for a, b in zip(rows["wholefit"], rows[top], strict=True)])
    reach = float(t.ppf(0.975, max(len(apart) - 1, 1)) * apart.std(ddof=1) / len(apart) ** 0.5) \
        if len(apart) > 1 else float("nan")
    said = "at or above" if apart.mean() >= 0 else "below"
    return [f"PyOD's best mean is that of {top}. wholefit is {said} it by {apart.mean():+.4f} "
            f"(95 % interval over tables {apart.mean() - reach:+.4f} to {apart.mean() + reach:+.4f}"
            f"), and ahead on {int((apart > 0).sum())} of {len(apart)} tables."]


def _each(
    rows: dict[str, list[tuple[float, float, float]]], names: Sequence[str],
    sizes: Sequence[tuple[int, int]],
) -> list[str]:
    """One line a table: wholefit, the peer's best by mean, and the peer's best on that table."""
    top = best(rows, len(names))
    shown = []
    for at, name in enumerate(names):
        there = {one: found[at][0] for one, found in rows.items()
                 if one != "wholefit" and len(found) == len(names)}
        winner = max(there, key=lambda one: there[one])
        shown.append([name, f"{sizes[at][0]:,}", f"{sizes[at][1]:,}",
                      f"{rows['wholefit'][at][0]:.3f}", f"{rows[top][at][0]:.3f}",
                      f"{there[winner]:.3f} ({winner})"])
    return [_tools.markdown(["table", "rows", "anomalies", "wholefit", top,
                             "best of PyOD on this table"], shown)]
