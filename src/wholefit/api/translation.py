"""`Translation`: a text written for each text, and how near it comes to what is wanted.

>>> result = wf.fit(pairs, target="german", task="translation")         # doctest: +SKIP
>>> result.generate("Open a file")                                      # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np

from wholefit.api._answers import units_of
from wholefit.api.found import FoundResult
from wholefit.base.errors import (
    ArtifactError,
    DataError,
    ParameterError,
    SchemaError,
    UnknownNameError,
    unknown,
)
from wholefit.data import Dataset
from wholefit.evaluation import Score
from wholefit.evaluation import translation as measures
from wholefit.models import scorer
from wholefit.models._kernels.translators import Translating
from wholefit.training.found import trusting

_MOST_BEAMS, _LONGEST = 64, 100_000


class Translation(FoundResult):
    """A fitted model that writes a text for each text.

    `predict` answers a table, `generate` a text or several, `evaluate` says how near what it
    writes comes to texts that are known.
    """

    @property
    def source_column(self) -> str:
        """The column that it writes from."""
        return self._column("text")

    @property
    def target_column(self) -> str:
        """The column that it learnt to write."""
        return self._column("target")

    def _column(self, role: str) -> str:
        named = self.schema.having(role)
        if len(named) != 1:
            raise ArtifactError("the model file does not say which texts are written from which: "
                                "it was altered; save the model anew.")
        return str(named[0])

    @cached_property
    def _writer(self) -> Translating:
        with trusting(self._found):
            return cast("Translating", scorer(self._found.states["model"]))

    def predict(
        self, new: Any, *, beams: int | None = None, length: int | None = None, **options: Any
    ) -> Any:
        """Identifiers and the text written for each row, in a column of the target's name; nothing
        where there is no text to write from.

        `beams` texts are kept in mind while one is written (those of the fit where not said; 1
        takes the likeliest token at each step), `length` tokens are written at most (as many as
        the longest text learnt had); models that copy whole texts look at neither. A numpy
        question gets texts (n,). `options` are policies and options of `wf.read`. Raises
        ParameterError, SchemaError.
        """
        dataset = self.asked(new, options)
        written = self._written(dataset.texts(self.source_column), beams, length)
        if dataset.guest == "numpy":
            return np.array(written, dtype=object)
        return self.framed(dataset, new, {self.target_column: written})

    def answers(self, new: Any, **options: Any) -> Any:
        """What `wholefit predict` writes: see `predict`."""
        return self.predict(new, **options)

    def generate(
        self, texts: str | Sequence[str], *, beams: int | None = None, length: int | None = None
    ) -> Any:
        """The text written for a text, or a list of them for several; options as for `predict`."""
        if not isinstance(texts, (str, list, tuple, np.ndarray)):
            texts = [texts]  # type: ignore[list-item]
        several = [texts] if isinstance(texts, str) else list(texts)
        if not all(isinstance(text, str) for text in several):
            raise ParameterError("generate asks a text, or a list of texts; for a table use "
                                 "predict(table).")
        if not all(text.strip() for text in several):
            raise ParameterError("generate writes from a text; got one that is empty.")
        written = self._written(several, beams, length)
        return written[0] if isinstance(texts, str) else written

    def evaluate(
        self, held_out: Any, metric: str | None = None, *, beams: int | None = None,
        length: int | None = None, **options: Any,
    ) -> dict[str, Score]:
        """How near what is written comes to the texts of `held_out`, which it must not have learnt
        from, with intervals; `metric`, if one is named, comes first.

        Rows without a text on either side are left out. Raises SchemaError where the target's
        column is absent, DataError where no pair is left, UnknownNameError for another metric.
        """
        if metric is not None and metric not in measures.METRICS:
            raise unknown("metric of translation", str(metric), measures.METRICS)
        asked = self.asked(held_out, options, wanted=True)
        if self.target_column not in asked.frame.columns:
            raise SchemaError("texts to judge by must have the column of what is wanted, "
                              f"{self.target_column!r}; it is not there.")
        sources, wanted = asked.texts(self.source_column), asked.texts(self.target_column)
        there = [at for at, pair in enumerate(zip(sources, wanted, strict=True))
                 if all(text and text.strip() for text in pair)]
        if not there:
            raise DataError("a model of pairs is judged on a pair of texts at least; got none.")
        written = self._written([sources[at] for at in there], beams, length)
        units = units_of(asked)
        found = measures.scores(
            measures.counts([str(wanted[at]) for at in there], cast("list[str]", written)),
            units=None if units is None else units[there])
        return {name: found[name] for name in dict.fromkeys([metric or self.metric, *found])
                if name in found}

    def asked(
        self, new: Any, options: Mapping[str, Any] | None = None, *, wanted: bool = False
    ) -> Dataset:
        """As for any result; what a file holds in the source's column, and where it is `wanted` in
        the target's, is read as the text that it is.
        """
        given = dict(options or {})
        names = [self.source_column, *([self.target_column] if wanted else [])]
        typed = {**dict.fromkeys(names, "text"), **(given.get("dtypes") or {})}
        if not isinstance(new, (str, Path)):
            return super().asked(new, given)
        try:
            return super().asked(new, {**given, "dtypes": typed})
        except UnknownNameError:
            if str(new) == "-":  # it cannot be read twice
                raise
            return super().asked(new, given)

    def _written(
        self, texts: Sequence[str | None], beams: int | None, length: int | None
    ) -> list[str | None]:
        """One text for each; None where there is none to write from."""
        _check("beams", beams, _MOST_BEAMS)
        _check("length", length, _LONGEST)
        there = [at for at, text in enumerate(texts) if text and text.strip()]
        found: list[str | None] = [None] * len(texts)
        with trusting(self._found):
            written = self._writer.translate([_whole(texts[at]) for at in there],
                                             beams=None if beams is None else int(beams),
                                             length=None if length is None else int(length))
            for at, text in zip(there, written, strict=True):
                found[at] = text
        return found


def _check(name: str, number: Any, most: int) -> None:
    if number is None:
        return
    if isinstance(number, bool) or not isinstance(number, (int, np.integer)) \
            or not 1 <= number <= most:
        raise ParameterError(f"{name} must be a whole number from 1 to {most:,}; got {number!r}."
                             [:300])


def _whole(text: str | None) -> str:
    """The text, with � for halves of characters, which no encoding holds."""
    return str(text).encode("utf-8", "replace").decode("utf-8")


RESULT = Translation
