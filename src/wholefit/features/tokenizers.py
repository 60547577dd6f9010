"""Texts to token numbers and back: words, characters, or byte pairs.

    tokenizer = learn(["Good film.", "A bad film!"], "word", size=100)
    tokenizer.encode(["good, bad"])          # Ragged: numbers of all texts, and where each starts
    tokenizer.decode([5, 3])

Number 0 is padding and 1 a token never seen in training. Words and characters are ours, and
vectorised; byte pairs (Sennrich et al. 2016, on bytes) are those of the library `tokenizers`. A
character never seen is written as its UTF-8 bytes, so that no text is lost. What is learnt is
plain data: a list of words, or the library's own JSON.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

from wholefit.base.errors import DataError, ParameterError, StateError
from wholefit.base.optional import need
from wholefit.base.state import State

KIND = "tokenizer"
KINDS = ("word", "character", "bpe")
PADDING, UNKNOWN = 0, 1
_FIRST = 2
_BYTES = 256
_HEAD = 64 * 2**20
# Markup is one token, a word keeps its apostrophes, every other sign stands alone.
_WORD = r"<[/a-zA-Z][^<>]{0,100}>|\w+(?:['’]\w+)*|[^\w\s]"
_MOST = 10_000_000


@dataclass(frozen=True, eq=False)
class Ragged:
    """Numbers of many texts end to end: text i holds `numbers[starts[i]:starts[i + 1]]`."""

    numbers: np.ndarray
    starts: np.ndarray

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each text."""
        return np.diff(self.starts)

    def rows(self) -> list[np.ndarray]:
        """One array a text."""
        return np.split(self.numbers, self.starts[1:-1])[:len(self)]


@dataclass(frozen=True, eq=False)
class Pieces:
    """Texts cut into pieces before anything is learnt: codes into `distinct`, text by text."""

    codes: Ragged
    distinct: list[str]

    def counts(self, rows: np.ndarray | None = None) -> np.ndarray:
        """How often each distinct piece stands in these texts (all when None)."""
        codes = self.codes
        if rows is None:
            chosen = codes.numbers
        else:
            picked = np.zeros(len(codes), dtype=bool)
            picked[rows] = True
            chosen = codes.numbers[np.repeat(picked, codes.lengths)]
        return np.bincount(chosen, minlength=len(self.distinct))


def cut(texts: Sequence[str | None], kind: str, lower: bool) -> Pieces:
    """Texts (None has no token) as words or characters."""
    return _characters(texts, lower) if kind == "character" else _words(texts, lower)


@dataclass(frozen=True, eq=False)
class Tokenizer:
    """What `learn` finds. `words` in order of number for words and characters; `stored` for bpe."""

    kind: str
    lower: bool
    words: tuple[str, ...] = ()
    stored: bytes = b""

    @property
    def size(self) -> int:
        """Different numbers there are, padding and unknown included."""
        if self.stored:
            return self._own + int(self._library.get_vocab_size())
        return self._own + len(self.words)

    @property
    def _own(self) -> int:
        """The number of the first of `words`; a tokenizer that was brought has its own numbers."""
        if self.kind == "pretrained":
            return 0
        return _FIRST + (_BYTES if self.kind == "character" else 0)

    def encode(self, texts: Sequence[str | None]) -> Ragged:
        """Numbers (int32) of the texts; None and "" have none."""
        if self.stored:
            plain = [_lowered(text or "", self.lower) for text in texts]
            found = [each.ids for each in self._library.encode_batch_fast(plain)]
            starts = np.cumsum([0, *map(len, found)]).astype(np.int64)
            numbers = np.fromiter((i for ids in found for i in ids), np.int32, int(starts[-1]))
            return Ragged(numbers + np.int32(self._own), starts)
        return self.number(cut(texts, self.kind, self.lower))

    def number(self, pieces: Pieces) -> Ragged:
        """Numbers of texts that are cut already."""
        place = self._places
        known = np.array([place.get(word, UNKNOWN) for word in pieces.distinct], dtype=np.int32)
        if self.kind == "word" or bool((known != UNKNOWN).all()):
            return Ragged(known[pieces.codes.numbers], pieces.codes.starts)
        return self._in_bytes(pieces, known)

    def _in_bytes(self, pieces: Pieces, known: np.ndarray) -> Ragged:
        """As `number`, a character never seen being written as its bytes."""
        written = [np.array([number], np.int32) if number != UNKNOWN
                   else np.frombuffer(_bytes(sign), np.uint8).astype(np.int32) + _FIRST
                   for sign, number in zip(pieces.distinct, known, strict=True)]
        sizes = np.array([len(each) for each in written])
        firsts = np.cumsum(sizes) - sizes
        flat, codes = np.concatenate(written), pieces.codes
        long = sizes[codes.numbers]
        ends = np.concatenate([[0], np.cumsum(long)])
        within = np.arange(ends[-1]) - np.repeat(ends[:-1], long)
        return Ragged(flat[np.repeat(firsts[codes.numbers], long) + within], ends[codes.starts])

    def decode(self, numbers: Sequence[int] | np.ndarray) -> str:
        """The text of these numbers; padding is left out, an unknown word is "�"."""
        found = [int(number) for number in numbers if number != PADDING]
        if self.stored:
            return str(self._library.decode([n - self._own for n in found if n >= self._own]))
        if self.kind == "character":
            return self._spelt(found)
        return _joined([self.words[n - _FIRST] if n >= _FIRST else "�" for n in found])

    def _spelt(self, numbers: list[int]) -> str:
        raw = bytearray()
        for number in numbers:
            if number >= self._own:
                raw += _bytes(self.words[number - self._own])
            else:
                raw += bytes([number - _FIRST]) if number >= _FIRST else "�".encode()
        return raw.decode("utf-8", errors="replace")

    @cached_property
    def _places(self) -> dict[str, int]:
        return {word: number for number, word in enumerate(self.words, self._own)}

    @cached_property
    def _library(self) -> Any:
        library = need("tokenizers", extra="text", user=f"tokens={self.kind!r}")
        found = library.Tokenizer.from_str(self.stored.decode("utf-8"))
        if self.kind == "pretrained":  # padding and length are ours to decide
            found.no_padding()
            found.no_truncation()
        return found

    def state(self) -> State:
        """Kind "tokenizer": words as config, or the library's JSON as a blob."""
        config = {"kind": self.kind, "lower": self.lower, "words": list(self.words)}
        return State(KIND, config, blobs={"tokenizer.json": self.stored} if self.stored else {})

    @classmethod
    def from_state(cls, state: State) -> Tokenizer:
        """The tokenizer that `state` describes; StateError for one that is damaged."""
        kind, words = state.config.get("kind"), state.config.get("words")
        stored = state.blobs.get("tokenizer.json", b"")
        if (not isinstance(words, list) or not all(isinstance(word, str) for word in words)
                or kind not in (*KINDS, "pretrained")
                or (kind in ("bpe", "pretrained")) != bool(stored)):
            raise StateError("the stored tokenizer is damaged: it needs a kind of "
                             f"{', '.join(KINDS)}, and its words or its JSON.")
        if len(set(words)) < len(words) or "" in words or (
                kind == "character" and any(len(word) != 1 for word in words)):
            raise StateError("the stored tokenizer is damaged: its words must differ, and a "
                             "character be one.")
        if stored and kind == "bpe":
            _check_stored(stored)
        elif stored:
            _readable(stored)
        return cls(str(kind), bool(state.config.get("lower")), tuple(words), stored)


def learn(
    texts: Sequence[str | None], kind: str = "word", *, size: int = 30_000, lower: bool = True
) -> Tokenizer:
    """The `size` most frequent pieces of these texts, ties by name (byte pairs: at most `size`)."""
    if kind not in KINDS:
        raise ParameterError(f"tokens must be one of {', '.join(map(repr, KINDS))}; got {kind!r}.")
    if not 1 <= size <= _MOST:
        raise ParameterError(f"a vocabulary must have 1 to {_MOST:,} tokens; got {size}.")
    if kind == "bpe":
        return Tokenizer(kind, lower, stored=_pairs(texts, size, lower))
    return learn_pieces(cut(texts, kind, lower), kind, size=size, lower=lower)


def brought(place: str | None) -> Tokenizer:
    """The tokenizer of a pretrained network: a folder's tokenizer.json, or that in a base's file.

    Its numbers are its own, 0 must be its padding. DataError where there is none.
    """
    text = None if place is None else stored_text(place)
    if text is None:
        raise DataError(f"no tokenizer is at {place!r}: give a folder with tokenizer.json, or the "
                        "file of a base for texts.")
    try:
        _readable(text.encode("utf-8"))
    except StateError as error:
        raise DataError(f"the tokenizer at {place!r} cannot be used: {error}") from error
    return Tokenizer("pretrained", False, stored=text.encode("utf-8"))


def stored_text(place: str) -> str | None:
    """The JSON of the tokenizer in a folder, in the head of a base's safetensors file, or of the
    base "hf:owner/name", which transformers reads; None where there is none.
    """
    if place.startswith("hf:"):
        return _of_library(place[3:])
    path = Path(place).expanduser()
    try:
        if path.is_dir():
            return (path / "tokenizer.json").read_text(encoding="utf-8")
        with open(path, "rb") as file:
            size = int.from_bytes(file.read(8), "little")
            if path.suffix != ".safetensors" or size > _HEAD:
                return None
            words = json.loads(json.loads(file.read(size))["__metadata__"]["wholefit"])
        found = words["tokenizer"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    return found if isinstance(found, str) else None


@cache
def _of_library(name: str) -> str | None:
    """The tokenizer that transformers calls `name`; DataError where it gives none."""
    library = need("transformers", extra="text", user=f"the base hf:{name}")
    try:
        found = library.AutoTokenizer.from_pretrained(name, trust_remote_code=False)
        return str(found.backend_tokenizer.to_str())
    except (OSError, RuntimeError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise DataError(f"transformers did not give the tokenizer of {name!r}: "
                        f"{str(error)[:300]}") from error


def learn_pieces(
    pieces: Pieces, kind: str, *, size: int, lower: bool, rows: np.ndarray | None = None
) -> Tokenizer:
    """As `learn`, of texts that are cut already; of the texts `rows` alone where given."""
    counts = pieces.counts(rows)
    seen = sorted(np.flatnonzero(counts).tolist(), key=lambda i: (-counts[i], pieces.distinct[i]))
    return Tokenizer(kind, lower, tuple(pieces.distinct[i] for i in seen[:size]))


def _words(texts: Sequence[str | None], lower: bool) -> Pieces:
    import polars as pl

    column = pl.Series("text", [text or "" for text in texts], dtype=pl.String)
    found = (column.str.to_lowercase() if lower else column).str.extract_all(_WORD)
    lengths = found.list.len().to_numpy()
    flat = found.filter(found.list.len() > 0).explode()
    distinct = flat.unique(maintain_order=True)
    codes = flat.cast(pl.Enum(distinct)).to_physical().to_numpy()
    starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    return Pieces(Ragged(codes.astype(np.int64), starts), distinct.to_list())


def _characters(texts: Sequence[str | None], lower: bool) -> Pieces:
    plain = [_lowered(text or "", lower) for text in texts]
    # a lone surrogate cannot be written as UTF-8, but as a number it can
    points = np.frombuffer("".join(plain).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    present = np.flatnonzero(np.bincount(points, minlength=1)) if len(points) else points
    table = np.zeros(int(present[-1]) + 1 if len(present) else 1, dtype=np.int32)
    table[present] = np.arange(len(present))
    starts = np.cumsum([0, *map(len, plain)]).astype(np.int64)
    return Pieces(Ragged(table[points], starts), [chr(point) for point in present])


def _lowered(text: str, lower: bool) -> str:
    return text.lower() if lower else text


def _bytes(sign: str) -> bytes:
    return sign.encode("utf-8", errors="surrogatepass")


def _joined(words: list[str]) -> str:
    """Words with spaces between, none before a comma or after an opening bracket."""
    text = ""
    for word in words:
        tight = not text or word in set(".,;:!?)]}%") or text[-1] in "([{"
        text += word if tight else f" {word}"
    return text


def _pairs(texts: Sequence[str | None], size: int, lower: bool) -> bytes:
    library = need("tokenizers", extra="text", user="byte-pair tokens")
    made = library.Tokenizer(library.models.BPE())
    made.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = library.decoders.ByteLevel()
    # every byte has a token of its own, so that nothing is unknown
    trainer = library.trainers.BpeTrainer(
        vocab_size=max(size, _BYTES), show_progress=False,
        initial_alphabet=library.pre_tokenizers.ByteLevel.alphabet())
    made.train_from_iterator((_lowered(text or "", lower) for text in texts), trainer)
    return str(made.to_str()).encode("utf-8")


def _readable(stored: bytes) -> None:
    """StateError unless the library reads it, and nothing but padding has the number 0."""
    library = need("tokenizers", extra="text", user="tokens='pretrained'")
    try:
        first = library.Tokenizer.from_str(stored.decode("utf-8")).id_to_token(0)
    except Exception as error:  # the library raises bare Exception for JSON it cannot read
        raise StateError(f"it is no tokenizer that can be read: {error}") from error
    if first is None or "pad" not in str(first).lower():
        raise StateError(f"its token 0 is {first!r}; it must be padding.")


def _check_stored(stored: bytes) -> None:
    """StateError unless this is the JSON of a plain byte-pair tokenizer, as `_pairs` writes it."""
    try:
        found = json.loads(stored)
        parts = {name: (found[name] or {}).get("type") for name in ("model", "pre_tokenizer")}
        plain = parts == {"model": "BPE", "pre_tokenizer": "ByteLevel"} and not found["normalizer"]
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        plain = False
    if not plain:
        raise StateError("the stored byte-pair tokenizer is damaged: it must be the JSON that the "
                         "library tokenizers writes for byte pairs on bytes.")
    try:
        need("tokenizers", extra="text", user="byte-pair tokens").Tokenizer.from_str(
            stored.decode("utf-8"))
    except ImportError:
        raise
    except Exception as error:  # the library raises bare Exception for JSON it cannot read
        raise StateError(f"the stored byte-pair tokenizer is damaged: {error}") from error
