"""`Generator`: new rows, pictures and texts, walks from one to another, what they are worth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import polars as pl

from wholefit.api.found import FoundResult
from wholefit.base.errors import ArtifactError, DataError, ParameterError, unknown
from wholefit.base.seeds import derive
from wholefit.data import Dataset, png
from wholefit.data.validate.sketch import Sketch
from wholefit.data.write import give_back
from wholefit.evaluation import Score
from wholefit.features.next_token import Choice
from wholefit.models import scorer
from wholefit.models._kernels.writers import Writer
from wholefit.training.found import Found, trusting
from wholefit.training.generation._columns import Columns
from wholefit.training.generation._judge import Space, judge
from wholefit.training.generation._texts import judged
from wholefit.training.generation._texts_parts import at_most
from wholefit.training.generation._told import pictures_of

_CHUNK = 20_000
_MOST = 10_000_000
# Texts at most, those written at a time, and tokens of the longest.
_MOST_TEXTS, _TEXTS, _LONGEST = 100_000, 256, 100_000


class Generator(FoundResult):
    """Rows that could have been among those learnt from.

    `sample` makes them, `picture` draws made pictures as a sheet, `walk` goes from one to another,
    `evaluate` holds what it makes against rows that it did not learn from. `writes` tells whether
    it makes texts (see `TextGenerator`).
    """

    writes: ClassVar[bool] = False

    @cached_property
    def _columns(self) -> Columns:
        with trusting(self._found, "the model file's columns cannot be read"):
            return Columns.of(self._found.states["columns"])

    @cached_property
    def _maker(self) -> Any:
        with trusting(self._found):
            return scorer(self._found.states["model"])

    @property
    def labels(self) -> list[Any]:
        """What `sample(label=)` may be asked for; empty where rows are made under no label."""
        return list(self._columns.labels)

    def sample(
        self, n: int = 100, *, seed: int = 0, label: Any = None, frame: str = "polars"
    ) -> Any:
        """`n` new rows in the columns and types that were learnt from; same seed, same rows.

        `label` makes rows of that label only, where `label=` was named at the fit. `frame` is
        "polars", "pandas" or "pyarrow". Columns of pictures hold cells as `wf.read` makes them;
        `pictures(n)` gives pixels. Identifiers are numbered anew. Raises ParameterError,
        UnknownNameError for a label that was never seen.
        """
        rows = self._rows(n, seed, label)
        with trusting(self._found):
            made = self._columns.frame(rows)
        if frame not in ("polars", "pandas", "pyarrow"):
            raise unknown("frame", str(frame), ("polars", "pandas", "pyarrow"))
        return give_back(made, frame)

    def answers(self, new: Any, *, seed: int = 0, **options: Any) -> Any:
        """A made row for each row of `new`, under the same label where it has one: a table of the
        same size with none of its rows. `options` are policies and options of `wf.read`.
        """
        asked = self.asked(new, options)
        given = self._labels_of(asked)
        rows = self._rows(max(len(asked), 1), seed, None)[:len(asked)]
        for code in np.unique(given[given >= 0]):
            at = np.flatnonzero(given == code)
            with trusting(self._found):
                rows[at] = self._maker.sample(len(at), derive(seed, "answers", int(code)),
                                              int(code))
        with trusting(self._found):
            made = self._columns.frame(rows)
        return give_back(made, asked.guest)

    def _labels_of(self, asked: Dataset) -> np.ndarray:
        """The code of each row's label (n,); -1 where it has none that was learnt."""
        name = self._columns.label
        if name is None or name not in asked.original.columns:
            return np.full(len(asked), -1)
        from wholefit.data._cells import to_labels

        places = {level: at for at, level in enumerate(self._columns.labels)}
        return np.array([places.get(level, -1) for level in
                         to_labels(asked.original.get_column(name)).to_list()])

    def pictures(self, n: int = 24, *, seed: int = 0, label: Any = None) -> np.ndarray:
        """`n` new pictures as uint8 pixels (n, height, width, channels)."""
        return self._pictures(self._rows(n, seed, label))

    def picture(
        self, path: str | Path, n: int = 64, *, seed: int = 0, label: Any = None,
        walk: bool = False, force: bool = False,
    ) -> Path:
        """Write a sheet of `n` new pictures as a PNG; with `walk`, each line goes from one to
        another in ten steps.
        """
        target = _png_path(path, force)
        if walk:
            lines = max(1, min(n, 100))
            pixels, across = self._pictures(self._walked(lines, 10, seed, label)), 10
        else:
            pixels, across = self.pictures(n, seed=seed, label=label), None
        scale = max(1, 56 // max(pixels.shape[1:3]))
        target.write_bytes(png.encode(png.sheet(pixels, across=across, scale=scale)))
        return Path(path)

    def walk(
        self, count: int = 4, steps: int = 10, *, seed: int = 0, label: Any = None
    ) -> Any:
        """Rows on `count` walks between two made rows each, `steps` on each, one after the other:
        through the code, on a sphere. Raises ParameterError for models without a code.
        """
        rows = self._walked(count, steps, seed, label)
        with trusting(self._found):
            return self._columns.frame(rows)

    def evaluate(
        self, held_out: Any, metric: str | None = None, *, seed: int = 0, **options: Any
    ) -> dict[str, Score]:
        """Every measure, with its interval, of as many made rows as are held out (20 at least, at
        most 2,000); `metric`, if one is named, comes first.

        Measures that need rows learnt from (nearer_training, usefulness) are not among them, for
        those are not kept.
        """
        asked = self.asked(held_out, options)
        if len(asked) < 20:
            raise DataError(f"a generator is judged on at least 20 rows; got {len(asked)}.")
        asked = asked.take(np.linspace(0, len(asked) - 1, min(len(asked), 2000)).astype(int))
        with trusting(self._found):
            X = self._columns.matrix(asked)
        made = self._rows(len(X), derive(seed, "evaluate"), None)
        half = len(X) // 2
        found = judge(self._columns, Space(X[:half], self._columns), X[:0], X, made,
                      seed=seed).scores
        if metric is not None and metric not in found:
            raise unknown("metric of this generator", metric, found)
        return {name: found[name] for name in dict.fromkeys([metric or self.metric, *found])
                if name in found}

    def _rows(self, n: int, seed: int, label: Any) -> np.ndarray:
        _check_count(n, _MOST)
        _check_seed(seed)
        given = None if label is None else self._columns.code_of(label)
        parts = []
        with trusting(self._found):
            wide = sum(span.stop - span.start for span in self._columns.spans)
            for at, start in enumerate(range(0, int(n), _CHUNK)):
                count = min(_CHUNK, int(n) - start)
                rows = self._maker.sample(count, derive(int(seed), "sample", at), given)
                if rows.shape != (count, wide):
                    raise ArtifactError("the model file makes rows of another width than its "
                                        "columns: it was altered; save the model anew.")
                parts.append(rows)
        return np.concatenate(parts)

    def _walked(self, count: int, steps: int, seed: int, label: Any) -> np.ndarray:
        if not hasattr(self._maker, "decode"):
            raise ParameterError(f"{self.model} has no code to walk through: fit models='vae' or "
                                 "'gan', which have.")
        if not 1 <= count <= 1000 or not 2 <= steps <= 1000:
            raise ParameterError("a walk has from 2 to 1,000 steps, and there are from 1 to 1,000 "
                                 f"walks; got {count} of {steps}.")
        from wholefit.nn.generative import walk

        given = None if label is None else self._columns.code_of(label)
        rng = np.random.default_rng(derive(seed, "walk"))
        with trusting(self._found):
            ends = rng.standard_normal((count, 2, self._maker.code))
            codes = np.concatenate([walk(first, last, steps) for first, last in ends])
            labels = self._maker.laid.labels(count, given, rng)
            spread = None if labels is None else labels.repeat(steps)
            made: np.ndarray = self._maker.decode(codes, spread, rng)
            return made

    def _pictures(self, rows: np.ndarray) -> np.ndarray:
        if self._columns.pixels is None:
            raise ParameterError("this model makes rows of a table, not pictures: use sample(n).")
        with trusting(self._found):
            return pictures_of(self._columns.pixels, rows, int(self._columns.label is not None))


def _check_count(n: Any, most: int) -> None:
    if not isinstance(n, (int, np.integer)) or isinstance(n, bool) or not 1 <= n <= most:
        raise ParameterError(f"sample makes from 1 to {most:,} rows; got {n!r}.")


def _check_seed(seed: Any) -> None:
    if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool) or seed < 0:
        raise ParameterError(f"seed must be a whole number >= 0; got {seed!r}.")


def _png_path(path: str | Path, force: bool) -> Path:
    target = Path(path)
    if target.suffix.lower() != ".png":
        raise ParameterError(f"a sheet of pictures is a .png; got {target.name!r}.")
    if not target.parent.is_dir():
        raise ArtifactError(f"{target} cannot be written: its folder does not exist; make it "
                            "first.")
    if target.exists() and not force:
        raise ArtifactError(f"{target.name} exists; pass force=True / --force to replace it.")
    return target


class TextGenerator(Generator):
    """Texts that could have been among those learnt from.

    `sample` writes them, `evaluate` says how well texts that it has not read are foretold.
    """

    writes = True

    @cached_property
    def _writer(self) -> Writer:
        writer: Any = self._maker
        return cast("Writer", writer)

    @property
    def column(self) -> str:
        """The column of texts that it learnt from."""
        return str(self._found.told["writes"])

    @property
    def labels(self) -> list[Any]:
        """None: texts are written under no label."""
        return []

    def sample(
        self, n: int = 10, *, seed: int = 0, label: Any = None, frame: str = "polars",
        prompt: str = "", length: int = 300, temperature: float = 1.0, top_k: int | None = None,
        top_p: float | None = None,
    ) -> Any:
        """`n` texts in a column of the name that was learnt from; same seed, same texts.

        Each goes on from `prompt`, which it holds, by at most `length` tokens (networks read the
        last 1,024 tokens of it). `temperature` below
        1 keeps to what is likely, 0 always takes the likeliest; `top_k` and `top_p` draw among the
        likeliest alone. Raises ParameterError.
        """
        if label is not None:
            raise ParameterError("texts are written under no label: say how they begin by prompt=.")
        if not isinstance(prompt, str) or len(prompt) > _LONGEST:
            raise ParameterError(f"prompt must be a text of at most {_LONGEST:,} characters; got "
                                 f"{type(prompt).__name__}"
                                 f"{f' of {len(prompt):,}' if isinstance(prompt, str) else ''}.")
        if any("\ud800" <= sign <= "\udfff" for sign in prompt):
            raise ParameterError("prompt must be a text; it holds half of a character.")
        if isinstance(length, bool) or not isinstance(length, (int, np.integer)) \
                or not 1 <= length <= _LONGEST:
            raise ParameterError(f"length must be a whole number from 1 to {_LONGEST:,}; got "
                                 f"{length!r}.")
        if frame not in ("polars", "pandas", "pyarrow"):
            raise unknown("frame", str(frame), ("polars", "pandas", "pyarrow"))
        choice = Choice.from_dict({"temperature": temperature, "top_k": top_k, "top_p": top_p})
        _check_count(n, _MOST_TEXTS)
        _check_seed(seed)
        made: list[str] = []
        with trusting(self._found):
            for at, start in enumerate(range(0, int(n), _TEXTS)):
                made += self._writer.sample(
                    min(_TEXTS, int(n) - start), derive(int(seed), "sample", at), prompt=prompt,
                    length=int(length), choice=choice)
        return give_back(pl.DataFrame({self.column: pl.Series(made, dtype=pl.String)}), frame)

    def answers(self, new: Any, *, seed: int = 0, **options: Any) -> Any:
        """A written text for each row of `new`. `options` are policies and options of `wf.read`."""
        asked = self.asked(new, options)
        made = self.sample(max(len(asked), 1), seed=seed)
        return give_back(made.head(len(asked)), asked.guest)

    def asked(self, new: Any, options: Mapping[str, Any] | None = None) -> Dataset:
        """As for any result; a file is read by paragraphs if what was learnt from was."""
        said = self._found.lineage.get("reading")
        form = said.get("format") if isinstance(said, dict) else None
        if form == "paragraphs" and isinstance(new, (str, Path)):
            options = {"format": form, **(options or {})}
        return super().asked(new, options)

    def evaluate(
        self, held_out: Any, metric: str | None = None, *, seed: int = 0, **options: Any
    ) -> dict[str, Score]:
        """How well the texts of `held_out` are foretold, and whether written ones can be told from
        them; `metric`, if one is named, comes first. Of texts that are long and many, the
        beginnings. DataError for fewer than 10 texts.
        """
        asked = self.asked(held_out, options)
        held = [text for text in asked.texts(self.column) if text]
        if len(held) < 10:
            raise DataError(f"a writer is judged on at least 10 texts; got {len(held)}.")
        with trusting(self._found):
            found = judged(self._writer, at_most(held), seed=seed)
        if metric is not None and metric not in found:
            raise unknown("metric of this generator", metric, found)
        return {name: found[name] for name in dict.fromkeys([metric or self.metric, *found])
                if name in found}

    def _rows(self, n: int, seed: int, label: Any) -> np.ndarray:
        raise ParameterError("this model writes texts, it makes no rows or pictures: use "
                             "sample(n, prompt=).")

    def _walked(self, count: int, steps: int, seed: int, label: Any) -> np.ndarray:
        return self._rows(count, seed, label)


def RESULT(found: Found, sketch: Callable[[], Sketch | None] = lambda: None) -> Generator:
    """The Result of texts, or of rows."""
    return (TextGenerator if "writes" in found.told else Generator)(found, sketch)
