"""From one sequence to another: an encoder reads, a decoder writes (Sutskever et al. 2014).

    made = Translator(tokens="character").fit(["2026-11-21"], ["21 November 2026"])
    made.translate(["2026-11-22"])                      # greedy
    made.translate(["2026-11-22"], beams=4)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from wholefit.base.budget import Clock
from wholefit.base.errors import DataError, ParameterError, StateError
from wholefit.base.seeds import derive
from wholefit.base.state import State
from wholefit.features import tokenizers
from wholefit.features.tokenizers import Ragged, Tokenizer
from wholefit.nn import networks
from wholefit.nn.loop import Callback
from wholefit.nn.quiet import quiet
from wholefit.nn.recipe import Recipe
from wholefit.nn.sequences.blocks import Recall
from wholefit.nn.sequences.decoding import beam
from wholefit.nn.sequences.stored import rebuilt
from wholefit.nn.training import train
from wholefit.nn.weights import to_bytes

KIND = "translator"
_RECIPE = {"epochs": 20, "batch": 64, "rate": 1e-3, "schedule": "cosine", "warmup": 0.1,
           "clip": 1.0, "label_smoothing": 0.1}
_ROWS = 128
MOST_BEAMS = 64


class Translator:
    """A Transformer from source texts to target texts, each with a tokenizer of its own.

    `options` are those of the network "transformer"; `tokens`, `vocabulary`, `lower` as for
    tokenizers; `length` tokens are read and written at most; `beams` texts are kept in mind
    while one is written, where `translate` says no other number; `recipe` changes `nn.Recipe`.
    While it learns, the decoder is given the true target so far (teacher forcing). After `fit`,
    `history` has a line an epoch, `stopped` says why it ended early, or is None.
    """

    def __init__(
        self, options: Mapping[str, Any] | None = None, *, tokens: str = "character",
        vocabulary: int = 8000, lower: bool = False, length: int = 64, beams: int = 1,
        recipe: Mapping[str, Any] | None = None, seed: int = 0, threads: int | None = None,
    ) -> None:
        if length < 1:
            raise ParameterError(f"Translator.length must be >= 1; got {length}.")
        _check_beams(beams)
        self.options, self.tokens, self.vocabulary = dict(options or {}), tokens, vocabulary
        self.lower, self.length, self.recipe = lower, length, dict(recipe or {})
        self.beams = beams
        self.seed, self.threads = seed, threads
        self.history: list[dict[str, float]] = []
        self.stopped: str | None = None

    def fit(
        self, sources: Sequence[str], targets: Sequence[str], *, clock: Clock | None = None,
        callbacks: Sequence[Callback] = (),
        valid: tuple[Sequence[str], Sequence[str]] | None = None,
    ) -> Translator:
        """Learn from pairs of texts; DataError unless there are as many of one as of the other.

        `valid` are pairs held out, (sources, targets): judged after each epoch, they are what the
        recipe's `patience` looks at. Tokenizers do not learn from them.
        """
        _check_pairs(sources, targets)
        self.source, self.target = (tokenizers.learn(
            texts, self.tokens, size=self.vocabulary, lower=self.lower)
            for texts in (sources, targets))
        recipe = Recipe.from_dict({**_RECIPE, "seed": derive(self.seed, "training") % 2**31,
                                   **self.recipe})
        made_of = {**self.options, "vocabulary": self.source.size, "outputs": self.end + 1,
                   "length": self.length + 1}
        with quiet(derive(derive(self.seed, "weights"), "torch"), "cpu", self.threads):
            module = networks.make("transformer", **made_of)
        self.longest = max(1, min(self.length, int(self.target.encode(targets).lengths.max())))
        held = None if valid is None else self._arrays(*valid)
        # Batches of like length (Recipe.bucket) are cut by what is written first: the target's
        # width is that of the written tokens.
        found = train(module, self._arrays(sources, targets), recipe, valid=held, clock=clock,
                      callbacks=callbacks, threads=self.threads, tokens=(1, 0))
        self.stopped = found.stopped
        self.module, self.history = module.cpu().eval(), found.history
        return self

    def _arrays(self, sources: Sequence[str], targets: Sequence[str]) -> list[np.ndarray]:
        """Source tokens, target tokens so far, and the tokens that come next."""
        written = self.target.encode(targets)
        return [_padded(self.source.encode(sources), self.length),
                _padded(written, self.length + 1, before=self.end),
                _padded(written, self.length + 1, after=self.end, padding=-100)]

    @property
    def end(self) -> int:
        """The number that begins and ends a target."""
        return self.target.size

    def translate(
        self, texts: Sequence[str], *, beams: int | None = None, length: int | None = None
    ) -> list[str]:
        """One text for each: the likeliest token at every step, or the best that beams find.

        `length` tokens are written at most, and no more than there was room for at the fit; where
        it is not said, as many as the longest target had that was learnt from.
        """
        self._check_fitted()
        beams = self.beams if beams is None else beams
        _check_beams(beams)
        most = min(length or self.longest, self.length)
        sources, found = _padded(self.source.encode(texts), self.length), []
        with torch.inference_mode():
            for start in range(0, len(texts), _ROWS if beams == 1 else 1):
                piece = torch.from_numpy(sources[start:start + (_ROWS if beams == 1 else 1)])
                found += self._greedy(piece, most) if beams == 1 else [
                    self._beam(piece, most, beams)]
        return [self.target.decode(row) for row in found]

    def _greedy(self, sources: torch.Tensor, length: int) -> list[list[int]]:
        read, real = self.module.read(sources)
        state = self.module.memories()
        new = torch.full((len(sources), 1), self.end)
        written, ended = [], torch.zeros(len(sources), dtype=torch.bool)
        for _ in range(length):
            logits = _barred(self.module.write(new, read, real, state=state)[0][:, -1])
            drawn = torch.where(ended, self.end, logits.argmax(dim=-1))
            written.append(drawn)
            ended |= drawn == self.end
            if bool(ended.all()):
                break
            new = drawn[:, None]
        rows = torch.stack(written, dim=1).tolist() if written else [[] for _ in sources]
        return [[token for token in row if token != self.end] for row in rows]

    def _beam(self, source: torch.Tensor, length: int, beams: int) -> list[int]:
        read, real = self.module.read(source)

        def step(tokens: torch.Tensor, state: list[Recall]) -> tuple[torch.Tensor, Any]:
            count = len(tokens)
            logits, _ = self.module.write(tokens[:, None], read.expand(count, -1, -1),
                                          real.expand(count, -1), state=state)
            return _barred(logits[:, -1]).log_softmax(dim=-1), state

        return beam(step, _picked, self.module.memories(), self.end, self.end, beams=beams,
                    length=length)

    def attention(self, source: str, target: str) -> np.ndarray:
        """Where each written token looked in the source: (layers, heads, target + 1, source)."""
        self._check_fitted()
        texts = torch.from_numpy(_padded(self.source.encode([source]), self.length))
        written = _padded(self.target.encode([target]), self.length + 1, before=self.end)
        with torch.inference_mode():
            _, found = self.module.write(torch.from_numpy(written), *self.module.read(texts),
                                         weights=True)
        sizes = int((written[0] != 0).sum()), max(1, int((texts[0] != 0).sum()))
        return np.asarray(torch.cat(found)[:, :, :sizes[0], :sizes[1]])

    def _check_fitted(self) -> None:
        if not hasattr(self, "module"):
            raise StateError("Translator must be fitted first: call fit(sources, targets).")

    def state(self) -> State:
        """Kind "translator": how it is made as config, weights as safetensors."""
        self._check_fitted()
        config = {"made_of": dict(self.module.made_of), "tokens": self.tokens,
                  "vocabulary": self.vocabulary, "lower": self.lower, "length": self.length,
                  "longest": self.longest, "beams": self.beams, "seed": self.seed,
                  "recipe": self.recipe, "options": self.options}
        return State(KIND, config, blobs={"weights.safetensors": to_bytes(self.module)},
                     parts={"source": self.source.state(), "target": self.target.state()})

    @classmethod
    def from_state(cls, state: State) -> Translator:
        """The fitted translator that `state` describes; StateError for one that is damaged."""
        config = state.config
        if state.kind != KIND or not {"source", "target"} <= set(state.parts):
            raise StateError("the stored translator is damaged: it needs two tokenizers.")
        module = rebuilt(config.get("made_of"), state.blobs.get("weights.safetensors", b""),
                         ("transformer",))
        try:
            made = cls(config["options"], tokens=config["tokens"],
                       vocabulary=int(config["vocabulary"]), lower=bool(config["lower"]),
                       length=int(config["length"]), beams=int(config.get("beams", 1)),
                       recipe=config["recipe"], seed=int(config["seed"]))
            made.longest = max(1, min(made.length, int(config.get("longest", made.length))))
        except (KeyError, TypeError, ValueError) as error:
            raise StateError(f"the stored translator is damaged: {error}") from error
        made.source = Tokenizer.from_state(state.parts["source"])
        made.target = Tokenizer.from_state(state.parts["target"])
        made.module = module
        fits = {"vocabulary": made.source.size, "outputs": made.end + 1,
                "length": made.length + 1}
        if any(module.made_of[name] != value for name, value in fits.items()):
            raise StateError("the stored translator is damaged: its network and its tokenizers "
                             "do not have the same tokens.")
        return made


def _check_beams(beams: int) -> None:
    if not 1 <= beams <= MOST_BEAMS:
        raise ParameterError(f"beams must be >= 1 and <= {MOST_BEAMS}; got {beams}.")


def _check_pairs(sources: Sequence[str], targets: Sequence[str]) -> None:
    if len(sources) != len(targets) or not len(sources):
        raise DataError("a translator needs one target for each source, and a pair at least; "
                        f"got {len(sources)} sources and {len(targets)} targets.")


def _padded(
    found: Ragged, length: int, *, before: int | None = None, after: int | None = None,
    padding: int = 0,
) -> np.ndarray:
    """Rows (n, length) of int64, cut or padded; `before` goes first, `after` last."""
    extra = (before is not None) + (after is not None)
    width = max(1, min(length, int(found.lengths.max(initial=0)) + extra))
    out = np.full((len(found), width), padding, dtype=np.int64)
    for place, row in enumerate(found.rows()):
        parts = [[] if before is None else [before], row[:length - extra],
                 [] if after is None else [after]]
        whole = np.concatenate([np.asarray(part, dtype=np.int64) for part in parts])
        out[place, :len(whole)] = whole
    return out


def _barred(logits: torch.Tensor) -> torch.Tensor:
    """Padding and unknown are never written."""
    logits = logits.clone()
    logits[:, [tokenizers.PADDING, tokenizers.UNKNOWN]] = -torch.inf
    return logits


def _picked(state: list[Recall], rows: torch.Tensor) -> list[Recall]:
    for recall in state:
        recall.own.pick(rows)
    return state
