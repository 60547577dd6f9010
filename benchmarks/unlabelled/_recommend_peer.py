"""One peer, in its own interpreter: reads an exchange file, fits, and writes what it answers.

    python _recommend_peer.py WHAT IN.npz OUT.npz [JSON of options]

WHAT: svd, svdpp (scikit-surprise: predictions for the pairs test_users, test_items), als, bpr
(implicit: lists of ten for each user). OUT holds "seconds", those of `fit` alone, and "found".
It knows nothing of wholefit, and runs where wholefit is not installed.
"""

from __future__ import annotations

import json
import sys
import time
import types
import warnings

import numpy as np

warnings.simplefilter("ignore")


def ratings(what: str, data: dict, options: dict) -> tuple[float, np.ndarray]:
    sys.modules.setdefault("pandas", types.ModuleType("pandas"))
    from surprise import SVD, Dataset, Reader, SVDpp

    rows = [(int(u), int(i), float(r), None)
            for u, i, r in zip(data["users"], data["items"], data["values"],
                                strict=True)]
    held = Dataset(Reader(rating_scale=(data["values"].min(), data["values"].max())))
    train = held.construct_trainset(rows)
    model = {"svd": SVD, "svdpp": SVDpp}[what](random_state=0, **options)
    start = time.perf_counter()
    model.fit(train)
    seconds = time.perf_counter() - start
    pairs = zip(data["test_users"], data["test_items"], strict=True)
    return seconds, np.array([model.predict(int(u), int(i)).est for u, i in pairs])


def lists(what: str, data: dict, options: dict) -> tuple[float, np.ndarray]:
    from implicit.als import AlternatingLeastSquares
    from implicit.bpr import BayesianPersonalizedRanking
    from scipy.sparse import csr_matrix

    shape = (int(data["shape"][0]), int(data["shape"][1]))
    met = csr_matrix((np.ones(len(data["users"]), np.float32), (data["users"], data["items"])),
                     shape=shape)
    kind = {"als": AlternatingLeastSquares, "bpr": BayesianPersonalizedRanking}[what]
    model = kind(random_state=0, num_threads=2, **options)
    start = time.perf_counter()
    model.fit(met, show_progress=False)
    seconds = time.perf_counter() - start
    found, _ = model.recommend(np.arange(shape[0]), met, N=10, filter_already_liked_items=True)
    return seconds, found


def main() -> None:
    what, source, out = sys.argv[1:4]
    options = json.loads(sys.argv[4]) if len(sys.argv) > 4 else {}
    data = dict(np.load(source))
    seconds, found = (ratings if what.startswith("svd") else lists)(what, data, options)
    np.savez(out, seconds=seconds, found=found)


if __name__ == "__main__":
    main()
