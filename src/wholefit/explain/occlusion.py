"""Occlusion: which words of a text, or which patches of a picture, the answer hangs on.

A part is taken away, everything else is left as it is, and the model is asked again (Zeiler &
Fergus 2014 for pictures; leave-one-out for words). What the answer loses is the part's worth. Of a
picture a part is replaced by what pixels usually hold there. Whether the parts that were found
matter is tested: the strongest are taken away together, and as many drawn at random beside them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.errors import DataError, ParameterError, unknown
from wholefit.base.params import Params, param
from wholefit.base.seeds import generator
from wholefit.data import Dataset
from wholefit.data.schema import Schema
from wholefit.data.validate.sketch import Sketch
from wholefit.explain._neighbourhood import WORD
from wholefit.explain.pool import Pool
from wholefit.explain.salient import Picture, Saliency, Text, Trial
from wholefit.training import Fitted

_RANDOM, _MOST_PARTS = 10, 400
_LAST = re.compile(r"^(.*?)(\d+)\D*$", re.DOTALL)


@dataclass(frozen=True)
class Options(Params):
    """How parts are taken away."""

    phrase: int = param(1, "Words taken away together; 1 is each word by itself.", low=1, high=20)
    patch: int = param(4, "Side of the square that is covered, in pixels.", low=1, high=1000)
    stride: int | None = param(None, "Pixels from one square to the next; half a side where None.",
                               low=1, none=True)
    baseline: float | None = param(None, "What a covered pixel holds; what is usual where None.",
                                   none=True)
    removed: float = param(0.2, "Share of the parts taken away for the test.", above=0, below=1)
    seed: int = param(0, "Every random choice follows from it.", low=0)


# ---- words ------------------------------------------------------------------------------


def words(
    fitted: Fitted, rows: Dataset, column: str, options: Options, output: Any = None
) -> Saliency:
    """What each word (or phrase) of a text column is worth to each row's answer."""
    texts = rows.texts(column)
    parts = [_parts(text or "", options.phrase) for text in texts]
    lacking = [[_cut(text or "", part) for part in each] + [""]
               for text, each in zip(texts, parts, strict=True)]
    at, codes = _asked(fitted, rows, output)
    owner = np.repeat(np.arange(len(rows)), [len(each) for each in lacking])
    every = list(chain.from_iterable(lacking))
    answer = _of(fitted.answer(_with(rows, owner, column, every)), codes[owner])
    ends = np.cumsum([len(each) for each in lacking])
    tests = _word_tests(fitted, rows, column, texts, parts, np.split(answer, ends[:-1]), at, codes,
                        options)
    found = []
    for row, (text, each) in enumerate(zip(texts, parts, strict=True)):
        mine = answer[ends[row] - len(lacking[row]):ends[row]]
        spans = sorted((start, end, float(at[row] - value))
                       for part, value in zip(each, mine, strict=False) for start, end in part)
        found.append(Text(row, column, text or "", _named(fitted, codes[row]), float(at[row]),
                          float(mine[-1]), tuple(spans), tests[row]))
    what = "each word" if options.phrase == 1 else f"each run of {options.phrase} words"
    return Saliency(str(fitted.schema.target), "text",
                    f"By leaving out {what} of {column!r} in turn, all else as it was: parts that "
                    "stand in for each other show little.", tuple(found))


def _parts(text: str, phrase: int) -> list[list[tuple[int, int]]]:
    """The spans of each part: all places of a word, or a run of words."""
    spans = [(found.start(), found.end()) for found in WORD.finditer(text)]
    if phrase > 1:
        return [[(spans[at][0], spans[min(at + phrase, len(spans)) - 1][1])]
                for at in range(0, len(spans), phrase)]
    by_word: dict[str, list[tuple[int, int]]] = {}
    for start, end in spans:
        by_word.setdefault(text[start:end].lower(), []).append((start, end))
    return list(by_word.values())[:_MOST_PARTS]


def _cut(text: str, spans: Sequence[tuple[int, int]]) -> str:
    kept, at = [], 0
    for start, end in sorted(spans):
        kept.append(text[at:start])
        at = end
    return " ".join("".join([*kept, text[at:]]).split())


def _with(rows: Dataset, owner: np.ndarray, column: str, texts: list[str]) -> Dataset:
    frame = rows.frame[owner]
    return Dataset(frame.with_columns(pl.Series(texts, dtype=pl.String).alias(column)),
                   rows.schema, source=rows.source)


def _word_tests(
    fitted: Fitted, rows: Dataset, column: str, texts: Sequence[str | None], parts: list[Any],
    answers: Sequence[np.ndarray], at: np.ndarray, codes: np.ndarray, options: Options,
) -> list[Trial | None]:
    """The test of each row with at least five parts, all asked at once."""
    asked: list[str] = []
    owner: list[int] = []
    random = generator(options.seed, "occlusion")
    for row, each in enumerate(parts):
        if len(each) < 5:
            continue
        count = max(1, round(options.removed * len(each)))
        order = np.argsort(answers[row][:len(each)], kind="stable")[:count]
        draws = [order, *(random.choice(len(each), count, replace=False) for _ in range(_RANDOM))]
        asked += [_cut(texts[row] or "", [s for part in draw for s in each[part]])
                  for draw in draws]
        owner += [row] * len(draws)
    tests: list[Trial | None] = [None] * len(parts)
    if not asked:
        return tests
    places = np.array(owner, dtype=np.intp)
    got = _of(fitted.answer(_with(rows, places, column, asked)), codes[places])
    for row in np.unique(places).tolist():
        mine = got[places == row]
        share = max(1, round(options.removed * len(parts[row]))) / len(parts[row])
        tests[row] = Trial(share, float(mine[0]), float(mine[1:].mean()))
    return tests


# ---- pictures ---------------------------------------------------------------------------


def pixels(
    fitted: Fitted, rows: Dataset, columns: Sequence[str], shape: tuple[int, int],
    options: Options, *, usual: np.ndarray | None = None, output: Any = None,
) -> Saliency:
    """What each pixel is worth to each row's answer; `columns` row by row of the picture.

    `usual` (columns,) is what a covered pixel holds. A pixel's worth is the mean over the squares
    that cover it of what the answer loses.
    """
    held = _held(usual, options, len(columns))
    pool = _covered(fitted, rows, columns, held)
    places = _places(pool, columns).reshape(shape)
    squares = _squares(shape, options)
    at, codes = _asked(fitted, rows, output)
    found = []
    for row in range(len(rows)):
        take = np.repeat(pool.own([row]), len(squares), axis=0)
        for number, square in enumerate(squares):
            covered = places[square].ravel()
            take[number, covered[covered >= 0]] = len(rows)
        lost = at[row] - _of(pool.answer(take), np.full(len(take), codes[row]))
        worth, times = np.zeros(shape), np.zeros(shape)
        for square, value in zip(squares, lost, strict=True):
            worth[square] += value
            times[square] += 1
        worth /= np.maximum(times, 1)
        found.append(_picture(
            pool, rows, columns, row, places, worth, at[row], codes[row], options))
    side = options.patch
    return Saliency(str(fitted.schema.target), "picture",
                    f"By covering squares of {side} x {side} pixels with what pixels usually hold "
                    "there, in turn: shapes that only matter together show little.", tuple(found))


def picture_of(
    fitted: Fitted, rows: Dataset, columns: Sequence[str], shape: tuple[int, int],
    values: np.ndarray, options: Options, *, usual: np.ndarray | None = None, output: Any = None,
) -> tuple[Picture, ...]:
    """Pictures of what other explanations say pixels are worth, `values` (rows, columns)."""
    pool = _covered(fitted, rows, columns, _held(usual, options, len(columns)))
    places = _places(pool, columns).reshape(shape)
    at, codes = _asked(fitted, rows, output)
    return tuple(_picture(pool, rows, columns, row, places, values[row].reshape(shape), at[row],
                          codes[row], options) for row in range(len(rows)))


def grid(schema: Schema, shape: tuple[int, int] | None) -> tuple[list[str], tuple[int, int]] | None:
    """The columns that are a picture, row by row, and its (h, w); None where there is none.

    With `shape`, all numeric columns, if they are as many; without, those whose names share a
    beginning and end in running numbers, if they make a square of at least 16.
    """
    names = [name for name in schema.features if schema.role(name) == "numeric"]
    every = _family([c.name for c in schema.columns if c.role in ("numeric", "constant")])
    if shape is not None:
        if len(shape) != 2 or min(shape) < 1:
            raise ParameterError(f"shape must be (height, width); got {shape!r}.")
        for chosen in (every, names):
            if len(chosen) == shape[0] * shape[1]:
                return chosen, (int(shape[0]), int(shape[1]))
        raise DataError(f"shape {tuple(shape)} needs {shape[0] * shape[1]:,} columns of numbers; "
                        f"the model has {len(names):,}.")
    side = math.isqrt(len(every))
    return (every, (side, side)) if side * side == len(every) and side >= 4 else None


def usual_of(columns: Sequence[str], sketch: Sketch | None) -> np.ndarray | None:
    """The middle of each column in training (columns,); None where nothing is known."""
    if sketch is None:
        return None
    middle = []
    for name in columns:
        kept = sketch.column(name)
        if kept is not None and kept.edges:
            upto = np.cumsum(kept.counts) / max(sum(kept.counts), 1)
            middle.append(kept.edges[min(int((upto < 0.5).sum()), len(kept.edges) - 1)])
        elif kept is not None and kept.levels:
            middle.append(_float(max(kept.levels, key=lambda level: kept.levels[level])))
        else:
            middle.append(0.0)
    return np.array(middle)


def _family(names: list[str]) -> list[str]:
    """The names of the largest family with running numbers, in order of those."""
    families: dict[str, list[tuple[int, str]]] = {}
    for name in names:
        found = _LAST.match(name)
        if found:
            families.setdefault(found.group(1), []).append((int(found.group(2)), name))
    if not families:
        return []
    largest = max(families.values(), key=len)
    numbers = sorted(number for number, _ in largest)
    running = numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    return [name for _, name in sorted(largest)] if running else []


def _held(usual: np.ndarray | None, options: Options, columns: int) -> np.ndarray:
    if options.baseline is not None:
        return np.full(columns, float(options.baseline))
    return np.zeros(columns) if usual is None else usual


def _covered(
    fitted: Fitted, rows: Dataset, columns: Sequence[str], held: np.ndarray
) -> Pool:
    """The rows, and last a row whose pixels hold what is usual."""
    here = [name for name in columns if name in rows.frame.columns]
    known = dict(zip(columns, held.tolist(), strict=True))
    last = rows.frame[:1].with_columns(
        pl.Series(name, [known[name]], dtype=pl.Float64) for name in here)
    whole = pl.concat([rows.frame, last.cast(dict(rows.frame.schema))])  # type: ignore[arg-type]
    return Pool(fitted, Dataset(whole, rows.schema, source=rows.source))


def _places(pool: Pool, columns: Sequence[str]) -> np.ndarray:
    """Where each pixel is in the pool (columns,); -1 for one that the model does not look at."""
    return np.array([pool.at(name) if name in pool.columns else -1 for name in columns])


def _squares(shape: tuple[int, int], options: Options) -> list[tuple[slice, slice]]:
    step = options.stride or max(1, options.patch // 2)
    tops, lefts = (sorted({*range(0, max(1, size - options.patch + 1), step),
                           max(0, size - options.patch)}) for size in shape)
    return [(slice(top, top + options.patch), slice(left, left + options.patch))
            for top in tops for left in lefts]


def _picture(
    pool: Pool, rows: Dataset, columns: Sequence[str], row: int, places: np.ndarray,
    worth: np.ndarray, answer: float, code: int, options: Options,
) -> Picture:
    flat = places.ravel()
    count = max(1, round(options.removed * len(flat)))
    random = generator(options.seed, "occlusion", row)
    draws = [np.argsort(-worth.ravel(), kind="stable")[:count],
             *(random.choice(len(flat), count, replace=False) for _ in range(_RANDOM))]
    take = np.repeat(pool.own([row]), len(draws), axis=0)
    for number, draw in enumerate(draws):
        covered = flat[draw]
        take[number, covered[covered >= 0]] = len(rows)
    got = _of(pool.answer(take), np.full(len(take), code))
    shown = np.array([rows.numeric(name)[row] if name in rows.frame.columns else 0.0
                      for name in columns])
    return Picture(row, (int(places.shape[0]), int(places.shape[1])), _named(pool.fitted, code),
                   float(answer), tuple(np.nan_to_num(shown).tolist()),
                   tuple(worth.ravel().tolist()),
                   Trial(count / len(flat), float(got[0]), float(got[1:].mean())))


# ---- answers ----------------------------------------------------------------------------


def _asked(fitted: Fitted, rows: Dataset, output: Any) -> tuple[np.ndarray, np.ndarray]:
    """The explained answer of each row (n,), and the code of the class it is of (0 of a number)."""
    answer = fitted.answer(rows)
    if answer.ndim == 1:
        return answer, np.zeros(len(answer), dtype=np.intp)
    if output is None:
        codes = answer.argmax(axis=1)
    else:
        names = [str(label).lower() for label in fitted.codec.classes]  # type: ignore[attr-defined]
        if str(output).lower() not in names:
            raise unknown("class", str(output), names)
        codes = np.full(len(answer), names.index(str(output).lower()))
    return _of(answer, codes), codes


def _of(answer: np.ndarray, codes: np.ndarray) -> np.ndarray:
    return answer if answer.ndim == 1 else answer[np.arange(len(answer)), codes]


def _named(fitted: Fitted, code: int) -> str:
    classes = getattr(fitted.codec, "classes", None)
    target = str(fitted.schema.target)
    return f"{target} is" if classes is None else f"probability of {target} = {classes[code]} is"


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
