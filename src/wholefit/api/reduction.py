"""`Reduction`: coordinates of rows, what the axes mean, and the way back where there is one."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from wholefit.api.found import FoundResult
from wholefit.base.errors import ArtifactError, DataError, ParameterError, unknown
from wholefit.data import Dataset
from wholefit.evaluation import Score
from wholefit.evaluation import reduction as measures
from wholefit.training.found import Rows, trusting


class Reduction(FoundResult):
    """Rows in fewer numbers.

    `transform` lays rows on the axes, `inverse_transform` takes coordinates back to columns,
    `components` and `loadings` say what an axis is made of, `explained` what each holds, `map`
    writes a page to walk about in.
    """

    @cached_property
    def _rows(self) -> Rows:
        return Rows(self._found)

    @property
    def axes(self) -> list[str]:
        """Names of the axes: the columns that `transform` gives."""
        with trusting(self._found, "the model file's axes cannot be read"):
            return [str(axis["name"]) for axis in self._found.told["axes"]]

    def transform(self, new: Any, **options: Any) -> Any:
        """The coordinates of each row, in the frame type of the question, identifiers kept.

        `options` are policies and options of `wf.read`. Raises DataError where the method has no
        place for rows that it did not learn from (t-SNE, MDS).
        """
        asked = self.asked(new, options)
        return self.framed(asked, new, self._columns(self._rows.answer(asked)))

    answers = transform

    def inverse_transform(self, coordinates: Any) -> pl.DataFrame:
        """Coordinates (n, d), a frame or an array, back to features, numbers in their own units.

        One column a feature: of a category one for each level, near 0 or 1. Raises
        ParameterError where the method has no way back.
        """
        answering = self._rows.scorer
        if not hasattr(answering, "restore"):
            raise ParameterError(
                f"{self.model} has no way back from coordinates to columns: fit models='pca', "
                "'nmf' or 'autoencoder_map', which have.")
        with trusting(self._found, "the model file cannot answer"):
            features = answering.restore(self._coordinates(coordinates))
            shift, factor = self._units()
            values = features * factor + shift
        return pl.DataFrame([pl.Series(name, column) for name, column in
                             zip(self._rows.encoder.names, values.T, strict=True)])

    @property
    def components(self) -> pl.DataFrame:
        """What an axis weighs each feature by, one row a feature: a new row's features, centred
        and scaled as the model has them, times these weights are its coordinates.

        Raises ParameterError for methods without weights (maps, kernels, autoencoders).
        """
        arrays = self._found.states["model"].arrays
        weights = arrays.get("axes", arrays.get("parts"))
        if self._found.states["model"].kind not in ("projection", "parts") or weights is None:
            raise ParameterError(f"{self.model} has no weights, for its axes are not sums of "
                                 "features: see loadings, the correlations with them.")
        return self._by_feature(np.asarray(weights).T)

    @property
    def loadings(self) -> pl.DataFrame:
        """Correlation of each feature with each axis, one row a feature."""
        with trusting(self._found, "the model file's loadings cannot be read"):
            return self._by_feature(self._found.states["loadings"].arrays["values"])

    @property
    def explained(self) -> pl.DataFrame:
        """One row an axis: what it says, and for principal components the share of variance it
        holds, the sum so far, what shuffled columns reach, and whether it is above that.
        """
        with trusting(self._found, "what the model file tells cannot be read"):
            return self._explained(self._found.told)

    def _explained(self, told: dict[str, Any]) -> pl.DataFrame:
        noise = told["noise"]
        rows = []
        total = 0.0
        for at, axis in enumerate(told["axes"]):
            share = axis["share"]
            total += share or 0.0
            known = share is not None and noise["above"] is not None
            rows.append({
                "axis": axis["name"], "says": axis["words"], "share": share,
                "so_far": None if share is None else total,
                "by_chance": noise["limit"][at] if known and at < len(noise["limit"]) else None,
                "above_noise": at < noise["above"] if known else None})
        return pl.DataFrame(rows, schema={
            "axis": pl.String, "says": pl.String, "share": pl.Float64, "so_far": pl.Float64,
            "by_chance": pl.Float64, "above_noise": pl.Boolean})

    def evaluate(
        self, held_out: Any, metric: str | None = None, **options: Any
    ) -> dict[str, Score]:
        """Every measure with its interval on rows that were not learnt from, 30 of them at least;
        `metric`, if one is named, comes first.

        At most 2,000 rows, drawn evenly, are judged. Known answers judge too, if the column that
        `label=` named is among them.
        """
        asked = self.asked(held_out, options)
        if len(asked) < 30:
            raise DataError(f"a reduction is judged on at least 30 rows; got {len(asked)}.")
        some = np.linspace(0, len(asked) - 1, min(len(asked), 2000)).astype(int)
        asked = asked.take(some)
        X = self._rows.matrix(asked)
        Z = self._rows.scorer.answer(X)
        restored = self._rows.scorer.restore(Z) if hasattr(self._rows.scorer, "restore") else None
        labels, categories = self._labels(asked)
        found = measures.judge(
            X, Z, near=self._near(), restored=restored,
            labels=labels, categories=categories, where=f"{len(Z):,} rows held out",
            units=asked.groups() if {*asked.schema.having("group")} & {*asked.frame.columns}
            else None).scores
        if metric is not None and metric not in found:
            raise unknown("metric of this reduction", metric, found)
        return {name: found[name] for name in dict.fromkeys([metric or self.metric, *found])
                if name in found}

    def map(
        self, path: str | Path, data: Any = None, *, color: str | None = None,
        force: bool = False, **options: Any,
    ) -> Path:
        """Write a page with the map: zoom, names on hover, colours by column; it needs no network.

        Without `data` it shows the up to 1,500 points that the fit kept, coloured by the label.
        With `data`, up to 20,000 of its rows, drawn evenly, and colours by any of its columns,
        `color` first; the page then holds those columns' values. At least two axes are needed.
        """
        from wholefit import report

        found, points, columns = self._found, None, {}
        if data is not None:
            asked = self.asked(data, options)
            some = np.linspace(0, len(asked) - 1, min(len(asked), 20_000)).astype(int)
            asked = asked.take(some)
            points = (some + 1, self._rows.answer(asked))
            columns = {name: asked.original.get_column(name) for name in asked.original.columns}
        with trusting(self._found, "what the model file tells cannot be drawn"):
            return report.write_map(found, path, points, columns, color, force=force)

    def _near(self) -> int:
        with trusting(self._found):
            return max(1, int(self._found.told["near"]))

    def _columns(self, Z: np.ndarray) -> dict[str, np.ndarray]:
        with trusting(self._found):
            return dict(zip(self.axes, Z.T, strict=True))

    def _by_feature(self, values: np.ndarray) -> pl.DataFrame:
        encoder = self._rows.encoder
        if values.shape != (len(encoder.names), len(self.axes)):
            raise ArtifactError("the model file's axes and features differ in number: it was "
                                "altered; save the model anew.")
        columns = [pl.Series("feature", encoder.names), pl.Series("column", encoder.sources)]
        return pl.DataFrame([*columns, *(pl.Series(name, column) for name, column in
                                         self._columns(np.asarray(values)).items())])

    def _coordinates(self, given: Any) -> np.ndarray:
        if hasattr(given, "columns"):
            names = [name for name in self.axes if name in list(given.columns)]
            if len(names) == len(self.axes):
                given = given[names]
        found = np.asarray(given.to_numpy() if hasattr(given, "to_numpy") else given, np.float64)
        if found.ndim != 2 or found.shape[1] != len(self.axes):
            raise ParameterError(f"coordinates must have {len(self.axes)} columns, "
                                 f"{', '.join(self.axes)}; got shape {found.shape}.")
        return found

    def _units(self) -> tuple[np.ndarray, np.ndarray]:
        """What each encoded feature is shifted by and multiplied with to be in its own units."""
        state = self._found.states["encoder"]
        wide = len(self._rows.encoder.names)
        shift, factor = np.zeros(wide), np.ones(wide)
        block = state.parts.get("block 0")
        if "reduction" not in state.parts and block is not None and "scale" in block.arrays:
            plain = len(block.arrays["scale"])
            shift[:plain], factor[:plain] = block.arrays["centre"], block.arrays["scale"]
        return shift, factor

    def _labels(self, asked: Dataset) -> tuple[np.ndarray | None, bool]:
        names = self.schema.having("label")
        if not names or names[0] not in asked.original.columns:
            return None, True
        cells = asked.original.get_column(names[0]).alias("column")
        column = self.schema.column(names[0])
        if column.distinct > 50 and column.low is not None:
            return cells.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy(), False
        codes = cells.cast(pl.String).rank("dense").cast(pl.Int64).fill_null(0) - 1
        return codes.to_numpy(), True


RESULT = Reduction
