"""Rows whose keys are nearly the same text, found without comparing every row with every other.

Keys are folded (case, accents, punctuation, order of words), equal ones put together, and two
are compared only if something speaks for it (see `_candidates`): with n keys that is some tens
of n comparisons, not n squared. Likeness is 1 - edits / length of the longer key.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

import numpy as np
import polars as pl

from wholefit.data.clean import _edits

_PIECES = 6             # rarest pieces of a key that name its blocks
_BLOCK = 60             # of a larger block, only neighbours in order are compared
_WINDOW = 6
_FOUR = 4               # parts that a key must have for two of them to be left out
_LONGEST = 120
_SPLIT = re.compile(r"[\W_]+")
_DIGITS = re.compile(r"[0-9]+")


@dataclass(frozen=True)
class Pairs:
    """Pairs of rows (m,), `left` < `right`, and how alike their keys are."""

    left: np.ndarray
    right: np.ndarray
    alike: np.ndarray


def keys_of(columns: list[pl.Series]) -> tuple[list[str], list[str]]:
    """The folded key of every row, and what a long one holds beyond the part that is compared.

    Each different combination of cells is folded once.
    """
    frame = pl.DataFrame([column.cast(pl.String).alias(str(at))
                          for at, column in enumerate(columns)])
    joined = frame.select(pl.concat_str(pl.all().fill_null(""), separator=" ")).to_series()
    folded = {text: folded_key(text) for text in joined.unique().to_list()}
    whole = [folded[text] for text in joined.to_list()]
    return [key[:_LONGEST].strip() for key in whole], [key[_LONGEST:] for key in whole]


def folded_key(text: str) -> str:
    """Text without case, accents and punctuation, one space between its parts."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return " ".join(filter(None, _SPLIT.split(bare)))


def pairs(keys: list[str], within: np.ndarray, least: float) -> Pairs:
    """Pairs of rows whose keys are alike by at least `least`, in the same group of `within` (n,).

    Keys of the same parts in another order are equal. Rows with an empty key are like no other.
    """
    frame = pl.DataFrame({"key": keys, "within": within}).with_row_index("row")
    frame = frame.filter(pl.col("key") != "")
    different = frame["key"].unique()
    in_order = {word: " ".join(sorted(word.split(" "))) for word in different.to_list()}
    frame = frame.with_columns(order=pl.col("key").replace_strict(in_order, default=None))
    frame = frame.with_columns(first=pl.col("row").first().over("order", "within"))
    repeats = frame.filter(pl.col("row") != pl.col("first"))
    heads = frame.filter(pl.col("row") == pl.col("first"))
    rows = heads["row"].to_numpy().astype(np.int64)
    left, right, alike = _near(heads["key"].to_list(), heads["order"].to_list(),
                               heads["within"].to_numpy(), least)
    a = np.concatenate([repeats["first"].to_numpy().astype(np.int64), rows[left]])
    b = np.concatenate([repeats["row"].to_numpy().astype(np.int64), rows[right]])
    same = np.concatenate([np.ones(repeats.height), alike])
    order = np.lexsort((np.maximum(a, b), np.minimum(a, b)))
    return Pairs(np.minimum(a, b)[order], np.maximum(a, b)[order], same[order])


def _near(
    given: list[str], words: list[str], within: np.ndarray, least: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of different keys, at least so alike as they stand or with their parts in order."""
    if len(words) < 2 or least >= 1:
        nothing = np.empty(0, dtype=np.int64)
        return nothing, nothing, np.empty(0)
    left, right = _candidates(given, words, within).T
    alike = np.maximum(_likeness(words, left, right, least), _likeness(given, left, right, least))
    near = np.flatnonzero(alike >= least)
    sound = [at for at in near.tolist() if _sound(words[left[at]], words[right[at]])]
    return left[sound], right[sound], alike[sound]


def _likeness(
    words: list[str], left: np.ndarray, right: np.ndarray, least: float
) -> np.ndarray:
    """1 - edits / longer length of each pair (m,); 0 where it is below `least`."""
    codes, lengths = _edits.coded(words)
    longer = np.maximum(lengths[left], lengths[right])
    bound = np.floor((1 - least) * longer + 1e-9).astype(np.int64)
    found = np.zeros(len(left))
    worth = np.flatnonzero((np.abs(lengths[left] - lengths[right]) <= bound) & (bound > 0))
    worth = worth[_letters_apart(codes, left[worth], right[worth]) <= 2 * bound[worth]]
    # Pairs of one bound go through one narrow table together.
    for value in np.unique(bound[worth]):
        here = worth[bound[worth] == value]
        here = here[np.argsort(longer[here], kind="stable")]
        for part in np.array_split(here, max(1, len(here) // 20_000)):
            edits = _edits.distances(codes, lengths, left[part], right[part], bound[part])
            found[part] = np.where(edits <= value, 1 - edits / longer[part], 0.0)
    return found


def _sound(a: str, b: str) -> bool:
    """False for pairs that are near by letters and yet different things.

    Numbers must be the same; and what the keys do not share must be half alike in itself: one
    wrong letter in a part is a slip, another word in its place is another thing.
    """
    if sorted(_DIGITS.findall(a)) != sorted(_DIGITS.findall(b)):
        return False
    mine, yours = Counter(a.split(" ")), Counter(b.split(" "))
    rest = ["".join(sorted((one - other).elements()))
            for one, other in ((mine, yours), (yours, mine))]
    if not all(rest):
        return True
    codes, lengths = _edits.coded(rest)
    most = int((lengths.max() - 1) // 2)
    one, other = np.array([0]), np.array([1])
    return bool(_edits.distances(codes, lengths, one, other, np.array([most]))[0] <= most)


def _candidates(given: list[str], words: list[str], within: np.ndarray) -> np.ndarray:
    """Pairs of keys worth comparing (m, 2), each once, lower first; `words` have parts in order.

    Those that agree but for one part, or for two of at least four; those that stand near each
    other in alphabetical order, read forwards or backwards, spaces left out; and those that
    share one of their rarest pieces of three letters.
    """
    bare = [word.replace(" ", "") for word in given]
    found = [*_parts_left_out(words, within), _rare_pieces(bare, within)]
    for texts in (bare, [text[::-1] for text in bare]):
        order = np.lexsort((pl.Series(texts).rank("ordinal").to_numpy(), within))
        found.append(_in_blocks(within[order], order, len(words), 0))
    together = _unique(found)
    return np.stack([together // len(words), together % len(words)], axis=1)


def _parts_left_out(words: list[str], within: np.ndarray) -> list[np.ndarray]:
    """Pairs of words that are equal once one part of each, or two parts, are left out."""
    frame = pl.DataFrame({"part": [word.split(" ") for word in words]}).with_row_index("word")
    frame = frame.explode("part").with_columns(
        hash=pl.col("part").hash(seed=0), rank=pl.col("part").rank("dense").cast(pl.Int64))
    word, rank = frame["word"].to_numpy().astype(np.int64), frame["rank"].to_numpy()
    hashed = frame["hash"].to_numpy()
    counts = np.bincount(word, minlength=len(words))
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    total = np.add.reduceat(hashed, starts)
    place = np.arange(len(word)) - starts[word]
    some = np.flatnonzero(counts[word] >= 2)
    found = [_with_equal((total[word] - hashed)[some], rank[some], word[some], within, len(words))]
    several = np.flatnonzero((counts[word] >= _FOUR) & (counts[word] <= 2 * _FOUR))
    for ahead in range(1, 2 * _FOUR):
        first = several[place[several] + ahead < counts[word[several]]]
        rest = total[word[first]] - hashed[first] - hashed[first + ahead]
        found.append(_with_equal(rest, rank[first], word[first], within, len(words)))
    return found


def _with_equal(
    rest: np.ndarray, rank: np.ndarray, word: np.ndarray, within: np.ndarray, many: int
) -> np.ndarray:
    """Pairs of words with equal `rest`; where there are many, those whose own part is near."""
    order = np.lexsort((rank, rest, within[word]))
    borders = (np.diff(rest[order]) != 0) | (np.diff(within[word[order]]) != 0)
    return _in_blocks(np.concatenate([[0], np.cumsum(borders)]), word[order], many, _BLOCK)


def _rare_pieces(words: list[str], within: np.ndarray) -> np.ndarray:
    """Pairs of words that share one of their rarest pieces of three letters."""
    word, piece = _pieces(*_edits.coded(words))
    # Blocks never reach over the borders of `within`.
    frame = pl.DataFrame({"word": word, "piece": piece, "within": within[word]}).unique()
    frame = frame.with_columns(many=pl.len().over("piece", "within")).filter(
        (pl.col("many") > 1) & (pl.col("many") <= _BLOCK))
    frame = frame.sort("word", "many", "piece")
    frame = frame.with_columns(rank=pl.int_range(pl.len()).over("word")).filter(
        pl.col("rank") < _PIECES).sort("within", "piece", "word")
    block = frame.select(pl.struct("within", "piece").rle_id()).to_series().to_numpy()
    return _in_blocks(block, frame["word"].to_numpy(), len(words), _BLOCK)


def _in_blocks(block: np.ndarray, member: np.ndarray, many: int, whole: int) -> np.ndarray:
    """Pairs of members of one block (blocks in a row), as numbers low * many + high.

    All pairs of blocks of up to `whole` members; of larger ones, members a few places apart.
    """
    numbers = np.concatenate([[0], np.cumsum(np.diff(block) != 0)]) if len(block) else block
    sizes = np.bincount(numbers.astype(np.int64))
    small = sizes[numbers] <= whole if len(block) else np.empty(0, dtype=bool)
    found = [np.empty(0, dtype=np.int64)]
    ahead = np.arange(len(member))
    for step in range(1, max(whole, _WINDOW + 1)):
        ahead = ahead[ahead + step < len(member)]
        ahead = ahead[(block[ahead] == block[ahead + step]) & (small[ahead] | (step <= _WINDOW))]
        if not len(ahead):
            break
        pair = np.sort(np.stack([member[ahead], member[ahead + step]]), axis=0)
        found.append((pair[0] * many + pair[1])[pair[0] < pair[1]])
    return _unique(found)


def _unique(parts: list[np.ndarray]) -> np.ndarray:
    """Different numbers of all the arrays, in order."""
    return pl.Series(np.concatenate(parts)).unique().sort().to_numpy()


def _pieces(codes: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each word's pieces of three letters (or the whole of a shorter word) as numbers."""
    padded = np.pad(codes.astype(np.uint64), ((0, 0), (1, 2)))
    hashed = (padded[:, :-2] << np.uint64(42)) | (padded[:, 1:-1] << np.uint64(21)) | padded[:, 2:]
    inside = np.arange(hashed.shape[1]) < lengths[:, None]
    return np.nonzero(inside)[0].astype(np.int64), hashed[inside]


def _letters_apart(codes: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """How many letters two words do not share, letters in 32 boxes: at most twice their edits."""
    boxes = np.zeros((len(codes), 32), dtype=np.int16)
    rows, places = np.nonzero(codes)
    np.add.at(boxes, (rows, codes[rows, places] % 32), 1)
    found = np.empty(len(left), dtype=np.int64)
    for at in range(0, len(left), 200_000):
        part = slice(at, at + 200_000)
        found[part] = np.abs(boxes[left[part]] - boxes[right[part]]).sum(axis=1)
    return found
