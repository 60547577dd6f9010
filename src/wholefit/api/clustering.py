"""Clusters: what `wf.fit(..., task="clustering")` gives.

>>> result = wf.fit("customers.csv", task="clustering")          # doctest: +SKIP
>>> print(result.to_text())                                       # doctest: +SKIP
>>> result.predict("new.csv")                                     # doctest: +SKIP
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from wholefit.api.found import FoundResult
from wholefit.base.errors import ParameterError, unknown
from wholefit.base.stored import reading
from wholefit.evaluation import Score
from wholefit.training.clustering import _judge as judge
from wholefit.training.found import Rows


class Clusters(FoundResult):
    """The clusters that were found, or the finding that there are none."""

    @property
    def found(self) -> bool:
        """Whether there are clusters: False where the rows look like one group."""
        return len(self._sizes) > 1

    @property
    def clusters(self) -> pl.DataFrame:
        """One row a cluster: code, name, rows, share of rows, and a sentence about it."""
        described = self._described
        with reading(_UNREAD):
            return pl.DataFrame([{
                "cluster": each["code"], "name": self.names.get(each["code"], ""),
                "rows": each["size"], "share": each["share"],
                "said": described.get(each["code"], {}).get("said", "")}
                for each in self._sizes], schema=_CLUSTERS)

    @property
    def names(self) -> dict[int, str]:
        """The name of each cluster, by its code."""
        with reading(_UNREAD):
            return {code: str(each["name"]) for code, each in self._described.items()}

    def predict(self, new: Any, **options: Any) -> Any:
        """The cluster of each row of `new`: identifiers and four columns.

        "cluster" is -1 where a row belongs to none; "cluster_name"; "membership" (0 to 1) how
        firmly it belongs there; "far" whether it lies farther from every cluster than 99% of the
        rows learnt from, None where that is not known.

        A numpy question gets the codes alone. `options` are policies and options of `wf.read`.
        """
        return self._answered(new, options)

    def memberships(self, new: Any, **options: Any) -> Any:
        """How much each row of `new` belongs to each cluster: a column a cluster, rows sum to 1;
        all zero where a row belongs to none."""
        dataset = self.asked(new, options)
        answer = Rows(self._found).answer(dataset)
        return self.framed(dataset, new, {
            f"cluster {code}": answer[:, code] for code in range(answer.shape[1])})

    def members(self, source: Any, cluster: int | str, **options: Any) -> Any:
        """The rows of `source` that are in that cluster (its code or its name), as they came."""
        code = self._code(cluster)
        dataset = self.asked(source, options)
        codes, _ = judge.labels(self._found, dataset)
        from wholefit.data.write import give_back

        guest = "polars" if dataset.guest in ("file", "numpy") else dataset.guest
        return give_back(dataset.original.filter(pl.Series(codes == code)), guest)

    def profile(self, cluster: int | str | None = None) -> pl.DataFrame:
        """What sets clusters apart, strongest first: a row a cluster and column (or value of it).

        "inside" and "outside" are medians or shares, "effect" is on Cohen's scale (0.2 small, 0.8
        large) with an interval for all comparisons together; "used" says whether the clustering
        used the column: only those that it did not use are evidence, and have a "p".
        """
        wanted = None if cluster is None else self._code(cluster)
        with reading(_UNREAD):
            rows = [{"cluster": code, "name": each["name"],
                     **{name: trait[name] for name in _TRAIT}, "said": said}
                    for code, each in self._described.items() if wanted in (None, code)
                    for trait, said in zip(each["traits"], each["sentences"], strict=True)]
            return pl.DataFrame(rows, schema=_PROFILE)

    def exemplars(self) -> pl.DataFrame:
        """Rows that stand for each cluster ("typical", the first is its medoid) and rows at its
        edge, by identifier or by row number, with the cells that tell most."""
        with reading(_UNREAD):
            rows = [{"cluster": code, "name": each["name"], "kind": kind, "row": row["row"],
                     "identifier": row["identifier"], "other": row.get("other"),
                     "cells": ", ".join(f"{k}={v}" for k, v in row["cells"].items()
                                        if v is not None)}
                    for code, each in self._described.items()
                    for kind, part in (("typical", "exemplars"), ("edge", "borders"))
                    for row in each[part]]
            return pl.DataFrame(rows, schema=_EXEMPLARS)

    def answers(self, new: Any, **options: Any) -> Any:
        """What `wholefit predict` writes: as `predict`."""
        return self._answered(new, options)

    def evaluate(
        self, held_out: Any, metric: str | None = None, **options: Any
    ) -> dict[str, Score]:
        """How the clusters do on rows that they were not learnt from, each with an interval.

        "silhouette" of the new rows, "far" (share farther from every cluster than 99% of the
        rows learnt from: 0.01 or less where nothing changed), "noise" (share in no cluster),
        "shares" (how far cluster sizes moved, 0 to 1), and against a label column, where there is
        one, "adjusted_rand" and "normalized_mutual_information". `metric` names the one that is
        given first. Raises UnknownNameError where it is none of these.
        """
        scores = judge.evaluate(self._found, self.asked(held_out, options))
        if metric is not None and metric not in scores:
            raise unknown("metric of clustering", str(metric), list(scores))
        return scores if metric is None else {metric: scores[metric], **scores}

    def _answered(self, new: Any, options: dict[str, Any]) -> Any:
        dataset = self.asked(new, options)
        codes, firm = judge.labels(self._found, dataset)
        if dataset.guest == "numpy":
            return self.framed(dataset, new, {"cluster": codes})
        names = self.names
        said = {code: names.get(code, f"cluster {code}" if code >= 0 else "in no cluster")
                for code in np.unique(codes).tolist()}
        far = judge.far(self._found, dataset)
        return self.framed(dataset, new, {
            "cluster": codes, "cluster_name": [said[code] for code in codes.tolist()],
            "membership": firm, "far": [None] * len(codes) if far is None else far})

    def _code(self, cluster: int | str) -> int:
        """The code of a cluster given by code or name."""
        if isinstance(cluster, str):
            found = next((code for code, name in self.names.items() if name == cluster), None)
        else:
            found = int(cluster)
        known = [each["code"] for each in self._sizes]
        if found is None or found not in (*known, -1):
            raise ParameterError(
                f"a cluster must be one of {', '.join(map(str, known))} (or -1, in no cluster), or "
                f"one of their names; got {cluster!r}.")
        return found

    @property
    def _sizes(self) -> list[dict[str, Any]]:
        with reading(_UNREAD):
            found = list(self._found.told.get("clusters") or [])
            return [{"code": int(each["code"]), "size": int(each["size"]),
                     "share": float(each["share"])} for each in found]

    @property
    def _described(self) -> dict[int, dict[str, Any]]:
        with reading(_UNREAD):
            described = self._found.told.get("described") or {}
            return {int(each["code"]): dict(each) for each in described.get("clusters", [])}


_UNREAD = "what the model file tells of its clusters cannot be read"
_CLUSTERS = {"cluster": pl.Int64, "name": pl.String, "rows": pl.Int64, "share": pl.Float64,
             "said": pl.String}
_EXEMPLARS = {"cluster": pl.Int64, "name": pl.String, "kind": pl.String, "row": pl.Int64,
              "identifier": pl.String, "other": pl.Int64, "cells": pl.String}
_TRAIT = ("column", "kind", "level", "used", "inside", "outside", "effect", "low", "high",
          "superiority", "lift", "p")
_PROFILE = {"cluster": pl.Int64, "name": pl.String, "column": pl.String, "kind": pl.String,
            "level": pl.String, "used": pl.Boolean, "inside": pl.Float64, "outside": pl.Float64,
            "effect": pl.Float64, "low": pl.Float64, "high": pl.Float64,
            "superiority": pl.Float64, "lift": pl.Float64, "p": pl.Float64, "said": pl.String}

RESULT = Clusters
