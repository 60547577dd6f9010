"""CatBoost's symmetric trees and statistics of categories, as plain tables.

The library itself turns its binary format into JSON (its documented "json" export), so it must be
installed where a model is exported; what comes out needs it no more. A statistic of a category
(or of a combination) hangs on the codes alone, so each becomes a table, one entry for every
combination of codes; the library's hashes are computed here, once.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from wholefit.base.errors import StateError
from wholefit.base.optional import need
from wholefit.base.state import State

KIND = "oblivious"
_MOST = 2_000_000
_FACTOR = np.uint64(0x4906BA494954CB65)  # of the library's hash of several values


def read(state: State) -> State:
    """A state of kind "catboost" as one of kind "oblivious" (see `_lower_catboost.py`)."""
    config = state.config
    cats = [int(feature) for feature in config["categorical"]]
    floats = [at for at in range(int(config["features"])) if at not in set(cats)]
    codes = max(config.get("levels", [0])) if cats else 0
    stored = _as_json(state.blobs["model"], len(floats), len(cats), codes)
    tables = _Tables(stored, len(floats), codes)
    scale, bias = stored["scale_and_bias"]
    classes = len(config["classes"] or ())
    trees = stored["oblivious_trees"]
    splits = [tables.split(split) for tree in trees for split in tree["splits"]]
    outputs = classes if classes > 2 else 1
    bias = np.broadcast_to(np.asarray(bias, np.float64).ravel(), (outputs,))
    arrays: dict[str, np.ndarray] = {
        "depth": np.array([len(tree["splits"]) for tree in trees], np.int32),
        "feature": np.array([split[0] for split in splits], np.int32),
        "test": np.array([split[1] for split in splits], np.int32),
        "border": np.array([split[2] for split in splits], np.float64),
        "value": np.concatenate([np.asarray(tree["leaf_values"], np.float64) for tree in trees]),
        "bias": np.array(bias), **tables.arrays()}
    link = "identity" if not classes else "sigmoid" if classes == 2 else "softmax"
    return State(KIND, {
        "features": int(config["features"]), "floats": floats, "cats": cats, "link": link,
        "scale": float(scale), "lookups": tables.lookups, "classes": config["classes"],
        "n_classes": int(config["n_classes"])}, arrays)


def _as_json(blob: bytes, floats: int, cats: int, codes: int) -> dict[str, Any]:
    catboost = need("catboost", extra="boost", user="exporting a CatBoost model")
    model = catboost.CatBoost()
    model.load_model(blob=blob)
    words = np.array([str(code).encode() for code in range(-1, codes)], dtype=object)
    data = catboost.FeaturesData(
        num_feature_data=np.zeros((len(words), floats), np.float32) if floats else None,
        cat_feature_data=np.repeat(words[:, None], cats, axis=1) if cats else None)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.json")
        model.save_model(str(path), format="json", pool=catboost.Pool(data))
        return dict(json.loads(path.read_text(encoding="utf-8")))


class _Tables:
    """The numbers that splits look at: floats, codes (plus 1, 0 where missing), statistics."""

    def __init__(self, stored: dict[str, Any], floats: int, codes: int) -> None:
        info = stored["features_info"]
        self._floats, self._codes = floats, codes
        self._cats = len(info.get("categorical_features") or ())
        self._hash = np.zeros(codes + 1, np.int64)
        self._known = np.zeros(codes + 1, bool)
        for entry in info.get("cat_features_hash") or ():
            place = int(entry["value"]) + 1
            if 0 <= place <= codes:
                self._hash[place] = np.uint32(entry["hash"]).astype(np.int32)
                self._known[place] = True
        self._treats = {feature["feature_index"]: feature["nan_value_treatment"]
                        for feature in (info.get("float_features") or ())}
        self._data = stored.get("ctr_data") or {}
        self._statistics = info.get("ctrs") or []
        starts = sum(len(f["borders"]) for f in (info.get("float_features") or ())) + sum(
            len(f.get("values", ())) for f in (info.get("categorical_features") or ()))
        self._first = np.cumsum([starts, *(len(c["borders"]) for c in self._statistics)])
        self.lookups: list[dict[str, Any]] = []
        self._tests: list[tuple[int, int, float]] = []
        self._values: list[np.ndarray] = []
        self._made: dict[tuple[int, int], int] = {}

    def split(self, split: dict[str, Any]) -> tuple[int, int, float]:
        """(feature, test, border) of a split; tests are those of the operation "oblivious"."""
        kind = split["split_type"]
        if kind == "FloatFeature":
            feature = int(split["float_feature_index"])
            missing = 2 if self._treats.get(feature) == "AsTrue" else 0
            return feature, missing, float(np.float32(split["border"]))
        if kind == "OneHotFeature":
            return (self._floats + int(split["cat_feature_index"]), 1,
                    self._code(split["value"]))
        if kind != "OnlineCtr":
            raise StateError(f"CatBoost's splits of type {kind!r} have no form in this runtime.")
        which = int(np.searchsorted(self._first, split["split_index"], side="right")) - 1
        target = int(split.get("ctr_target_border_idx", 0))
        if (which, target) not in self._made:
            self._made[which, target] = len(self.lookups)
            self._look_up(self._statistics[which], target)
        return (self._floats + self._cats + self._made[which, target], 0,
                float(np.float32(split["border"])))

    def arrays(self) -> dict[str, np.ndarray]:
        """The tests that statistics ask, and each statistic's table."""
        tests = np.array(self._tests, np.float64).reshape(-1, 3)
        found: dict[str, np.ndarray] = {
            "test_place": tests[:, 0].astype(np.int32),
            "test_kind": tests[:, 1].astype(np.int32), "test_border": tests[:, 2]}
        return {**found, **{f"lookup {at}": values for at, values in enumerate(self._values)}}

    def _code(self, value: Any) -> float:
        """The code (plus 1) of a category that has this hash; -1 where none has."""
        found = np.flatnonzero(self._known & (self._hash == np.uint32(
            int(value) % 2**32).astype(np.int32)))
        return float(found[0]) if len(found) else -1.0

    def _look_up(self, statistic: dict[str, Any], target: int) -> None:
        cats, tests = [], []
        for element in statistic["elements"]:
            kind = element["combination_element"]
            if kind == "cat_feature_value":
                cats.append(int(element["cat_feature_index"]))
            elif kind == "float_feature":
                tests.append(self._test(int(element["float_feature_index"]), 0,
                                        float(np.float32(element["border"]))))
            else:
                tests.append(self._test(self._floats + int(element["cat_feature_index"]), 1,
                                        self._code(element["value"])))
        sizes = [self._codes + 1] * len(cats) + [2] * len(tests)
        if np.prod(sizes, dtype=np.float64) > _MOST:
            raise StateError("CatBoost's statistics of combinations of many categories have no "
                             "form in this runtime: fit catboost(combinations=1), or export "
                             "another model.")
        hashes, known = self._hashes(len(cats), sizes)
        values, other = _values(statistic, target, self._data[statistic["identifier"]], hashes)
        self._values.append(np.where(known, values, other))
        self.lookups.append({"keys": [*cats, *(self._cats + at for at in tests)],
                             "sizes": sizes, "other": float(other)})

    def _test(self, place: int, kind: int, border: float) -> int:
        if (place, kind, border) not in self._tests:
            self._tests.append((place, kind, border))
        return self._tests.index((place, kind, border))

    def _hashes(self, cats: int, sizes: list[int]) -> tuple[np.ndarray, np.ndarray]:
        """The hash of every combination, in the order of the table, and whether it has one."""
        places = np.unravel_index(np.arange(int(np.prod(sizes))), sizes)
        found, known = np.zeros(len(places[0]), np.uint64), np.ones(len(places[0]), bool)
        for at, place in enumerate(places):
            value = self._hash[place] if at < cats else place
            known &= self._known[place] if at < cats else True
            found = _FACTOR * (found + _FACTOR * value.astype(np.int64).view(np.uint64))
        return found, known


def _values(
    statistic: dict[str, Any], target: int, table: dict[str, Any], hashes: np.ndarray
) -> tuple[np.ndarray, np.float32]:
    """The statistic of every hash, float32 as the library computes it, and that of unseen ones."""
    stride = int(table["hash_stride"])
    cells = table["hash_map"]
    keys = np.array([int(key) for key in cells[::stride]], np.uint64)
    counts = np.array([cells[at::stride] for at in range(1, stride)], np.float64).T
    good, total = _counted(statistic["ctr_type"], target, table, counts)
    order = np.argsort(keys)
    at = np.minimum(np.searchsorted(keys[order], hashes), len(keys) - 1)
    there = (keys[order][at] == hashes) & (hashes != np.uint64(2**64 - 1))
    seen = [np.where(there, each[order][at], 0).astype(np.float32) for each in (good, total)]
    return _share(statistic, *seen), _share(statistic, np.float32(0), np.float32(0))


def _counted(
    kind: str, target: int, table: dict[str, Any], counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    if kind in ("Counter", "FeatureFreq"):
        return counts[:, 0], np.full(len(counts), float(table["counter_denominator"]))
    if kind in ("BinarizedTargetMeanValue", "FloatTargetMeanValue"):
        return counts[:, 0], counts[:, 1]
    if kind == "Buckets":
        return counts[:, target], counts.sum(axis=1)
    if kind != "Borders":
        raise StateError(f"CatBoost's statistics of type {kind!r} have no form in this runtime.")
    return counts[:, target + 1:].sum(axis=1), counts.sum(axis=1)


def _share(statistic: dict[str, Any], good: Any, total: Any) -> Any:
    first, second, shift, scale = (np.float32(statistic[name]) for name in (
        "prior_numerator", "prior_denomerator", "shift", "scale"))
    return ((good + first) / (total + second) + shift) * scale
