"""Models of language: what comes next in a text, and texts made of that.

    model = LanguageModel("lstm", tokens="character").fit(texts)
    model.perplexity(others)                  # Perplexity(value=5.9, low=5.7, high=6.1, ...)
    model.sample(2, length=300, prompt="She ", temperature=0.7)
    for piece in model.stream("She "): ...
    LanguageModel.from_state(model.state())
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from wholefit.base.budget import Budget, Clock
from wholefit.base.errors import DataError, ParameterError, StateError
from wholefit.base.seeds import derive, generator
from wholefit.base.state import State
from wholefit.features import tokenizers
from wholefit.features.next_token import Choice
from wholefit.features.tokenizers import Tokenizer
from wholefit.nn import losses, networks
from wholefit.nn.averaging import Averaged
from wholefit.nn.callbacks import EarlyStopping
from wholefit.nn.checkpoints import go_on
from wholefit.nn.loop import Callback, Loop
from wholefit.nn.predicting import place
from wholefit.nn.quiet import quiet
from wholefit.nn.recipe import Recipe
from wholefit.nn.sequences.decoding import choose
from wholefit.nn.sequences.running import Carried, Lanes, windows
from wholefit.nn.sequences.stored import rebuilt
from wholefit.nn.supervised import Parts, Supervised
from wholefit.nn.weights import to_bytes

KIND = "language_model"
NETWORKS = ("rnn", "gru", "lstm", "transformer_decoder")
_SIZES = {"rnn": {"width": 64, "hidden": 256}, "gru": {"width": 64, "hidden": 256},
          "lstm": {"width": 64, "hidden": 256}, "transformer_decoder": {"width": 128}}
_RECIPE = {"epochs": 10, "batch": 32, "rate": 2e-3, "schedule": "cosine", "warmup": 0.05,
           "clip": 1.0, "weight_decay": 0.01}
_BLOCK = 256
_DRAWS = 1000
# Tokens of a prompt that are read, the last ones, and how many at a time.
_PROMPT, _CHUNK = 1024, 64


@dataclass(frozen=True)
class Perplexity:
    """How many tokens the model wavers between, on average, in texts it has not seen.

    `low` and `high` by bootstrap of blocks of 256 tokens (shorter where there would be less than
    20); `bits` a character, which compares models of different tokens as long as these keep
    all of a text, as characters and byte pairs do. Words do not: an unknown one is one token
    however it is spelt, and spaces and line ends are no tokens, so that their bits come out too
    low beside others. `tokens` counted.
    """

    value: float
    low: float
    high: float
    level: float
    bits: float
    tokens: int


class LanguageModel:
    """A network that says what comes next, with the tokenizer that it reads by.

    `network` "rnn", "gru", "lstm" or "transformer_decoder", `options` its own; `tokens` "word",
    "character" or "bpe", `vocabulary` most of them; `length` tokens are read at a time; `reading`
    "stream" (recurrent networks carry their state along the texts) or "windows" (pieces in random
    order), None what suits the network; `recipe` changes fields of `nn.Recipe`.
    """

    def __init__(
        self, network: str = "lstm", options: Mapping[str, Any] | None = None, *,
        tokens: str = "character", vocabulary: int = 8000, lower: bool = False, length: int = 128,
        reading: str | None = None, recipe: Mapping[str, Any] | None = None, seed: int = 0,
        threads: int | None = None,
    ) -> None:
        if network not in NETWORKS:
            raise ParameterError(f"LanguageModel.network must be one of "
                                 f"{', '.join(map(repr, NETWORKS))}; got {network!r}.")
        if reading not in (None, "stream", "windows") or (
                reading == "stream" and network == "transformer_decoder"):
            raise ParameterError("LanguageModel.reading must be 'windows', or for recurrent "
                                 f"networks 'stream'; got {reading!r} for {network!r}.")
        if (options or {}).get("bidirectional"):
            raise ParameterError("a language model reads from left to right: bidirectional=True "
                                 "would show it the tokens that it shall foretell; leave it out.")
        if length < 1:
            raise ParameterError(f"LanguageModel.length must be >= 1; got {length}.")
        usual = "windows" if network == "transformer_decoder" else "stream"
        self.network, self.options = network, dict(options or {})
        self.tokens, self.vocabulary, self.lower = tokens, vocabulary, lower
        self.length, self.reading, self.seed, self.threads = length, reading or usual, seed, threads
        self.recipe = dict(recipe or {})
        self.history: list[dict[str, float]] = []
        self.stopped: str | None = None

    def fit(
        self, texts: Sequence[str | None], *, clock: Clock | None = None,
        callbacks: Sequence[Callback] = (), valid: Sequence[str | None] | None = None,
    ) -> LanguageModel:
        """Learn from texts; `valid` are judged after each epoch. DataError where too short.

        A `Checkpoint` among the callbacks saves the run, and the same call goes on from there.
        """
        self.tokenizer = tokenizers.learn(texts, self.tokens, size=self.vocabulary,
                                          lower=self.lower)
        stream = self._stream(texts)
        if len(stream) < 3:
            raise DataError("a language model needs texts of at least two tokens in all; "
                            f"got {max(0, len(stream) - 2)}.")
        recipe = Recipe.from_dict({**_RECIPE, "seed": derive(self.seed, "training") % 2**31,
                                   **self.recipe})
        device = place(recipe.device)
        with quiet(derive(derive(self.seed, "weights"), "torch"), device, self.threads):
            module = networks.make(self.network, **self._made_of()).to(device)
            self.module = module
            self._train(module, stream, recipe, device, clock, callbacks, valid)
        self.module = module.cpu().eval()
        return self

    def _made_of(self) -> dict[str, Any]:
        size = self.tokenizer.size + 1  # the last number ends a text and begins the next
        found: dict[str, Any] = {**_SIZES[self.network], **self.options, "vocabulary": size,
                                 "outputs": size}
        if self.network == "transformer_decoder":
            return {**found, "length": self.length}
        return {**found, "head": "each"}

    def _train(self, module: nn.Module, stream: torch.Tensor, recipe: Recipe, device: Any,
               clock: Clock | None, callbacks: Sequence[Callback], valid: Any) -> None:
        clock, stream = clock or Clock(Budget()), stream.to(device)
        batches: Any
        reader = Carried(module) if self.reading == "stream" else module
        if isinstance(reader, Carried):
            batches = Lanes(stream, recipe.batch, self.length, reader)
        else:
            batches = windows(stream, recipe.batch, self.length, derive(self.seed, "order"))
        work = Supervised(Parts(reader, batches, losses.make(recipe), device=device, clock=clock),
                          recipe)
        judge = [] if valid is None else [self._judge(valid, work.averaged)]
        best = [] if recipe.patience is None else [EarlyStopping(
            module, recipe.patience, watch=recipe.watch, averaged=work.averaged)]
        loop = Loop(work, epochs=recipe.epochs, clock=clock,
                    callbacks=[*judge, *best, *callbacks])
        go_on(loop)
        self.history = loop.run()
        self.stopped = loop.stopped
        if work.averaged is not None and not any(each.holds for each in best):
            work.averaged.swap()

    @property
    def end(self) -> int:
        """The number that ends a text."""
        return self.tokenizer.size

    def _stream(self, texts: Sequence[str | None]) -> torch.Tensor:
        """All texts end to end, the number of the end before each and after the last."""
        found = [np.array([self.end], dtype=np.int64)]
        for row in self.tokenizer.encode(texts).rows():
            if len(row):
                found += [row.astype(np.int64), found[0]]
        return torch.from_numpy(np.concatenate(found))

    def _judge(self, valid: Sequence[str | None], averaged: Averaged | None) -> Callback:
        """After each epoch, the mean surprise of a token of `valid` joins the history."""
        def look(event: str, loop: Loop) -> None:
            if event == "epoch":
                if averaged is not None:
                    averaged.swap()
                self.module.eval()
                loop.history[-1]["valid_loss"] = float(self.surprises(valid).mean())
                self.module.train()
                if averaged is not None:
                    averaged.swap()

        return look

    def surprises(self, texts: Sequence[str | None]) -> np.ndarray:
        """-log p of every token given those before it, text after text, their ends included."""
        self._check_fitted()
        found: list[np.ndarray] = []
        stream = self._stream(texts).to(next(self.module.parameters()).device)
        with torch.inference_mode():
            if self.network == "transformer_decoder":
                return _slid(self.module, stream, self.length)
            state = None
            for start in range(0, len(stream) - 1, self.length):
                piece = stream[start:start + self.length + 1]
                logits, state = self.module.step(piece[None, :-1], state)
                found.append(_surprise(logits[0], piece[1:]))
        return np.concatenate(found) if found else np.zeros(0)

    def perplexity(self, texts: Sequence[str | None], level: float = 0.95) -> Perplexity:
        """Perplexity on texts that were not learnt from, with its interval. DataError if empty."""
        found = self.surprises(texts)
        if not len(found):
            raise DataError("perplexity needs a text of at least one token.")
        edges = np.arange(0, len(found), min(_BLOCK, max(1, len(found) // 20)))
        sums, counts = np.add.reduceat(found, edges), np.diff([*edges, len(found)])
        drawn = generator(self.seed, "perplexity").integers(len(sums), size=(_DRAWS, len(sums)))
        means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
        low, high = np.exp(np.quantile(means, [(1 - level) / 2, (1 + level) / 2]))
        signs = sum(len(text) for text in texts if text)
        return Perplexity(float(np.exp(found.mean())), float(low), float(high), level,
                          float(found.sum() / math.log(2) / max(signs, 1)), len(found))

    def sample(
        self, n: int = 1, *, length: int = 200, prompt: str = "", temperature: float = 1.0,
        top_k: int | None = None, top_p: float | None = None, seed: int = 0,
    ) -> list[str]:
        """`n` texts of at most `length` new tokens that go on from `prompt`, which they hold."""
        choice = Choice(temperature=temperature, top_k=top_k, top_p=top_p)
        rows = [self._prompt(prompt)[1:] for _ in range(n)]
        for drawn in self._draw(n, length if n else 0, prompt, choice, seed):
            for row, token in zip(rows, drawn, strict=True):
                row += [token] if token != self.end else []
        return [self.tokenizer.decode(row) for row in rows]

    def stream(
        self, prompt: str = "", *, length: int = 200, temperature: float = 1.0,
        top_k: int | None = None, top_p: float | None = None, seed: int = 0,
    ) -> Iterator[str]:
        """The text after `prompt`, piece by piece as it is made; together what `sample` gives."""
        choice = Choice(temperature=temperature, top_k=top_k, top_p=top_p)
        row = self._prompt(prompt)[1:]
        told = len(self.tokenizer.decode(row))
        for (token,) in self._draw(1, length, prompt, choice, seed):
            row += [token] if token != self.end else []
            text = self.tokenizer.decode(row)
            if len(text) > told and not text.endswith("�"):  # a sign of several bytes is under way
                yield text[told:]
                told = len(text)
        if len(text := self.tokenizer.decode(row)) > told:
            yield text[told:]

    def _prompt(self, prompt: str) -> list[int]:
        self._check_fitted()
        return [self.end, *self.tokenizer.encode([prompt]).numbers.tolist()]

    def _draw(self, n: int, length: int, prompt: str, choice: Choice, seed: int
              ) -> Iterator[list[int]]:
        """The next token of each of `n` texts, step by step; the end again where one has ended."""
        random = torch.Generator().manual_seed(derive(seed, "sample"))
        read = torch.tensor(self._prompt(prompt)[-_PROMPT:], dtype=torch.long).expand(n, -1)
        ended, state, logits = torch.zeros(n, dtype=torch.bool), None, torch.empty(0)
        for start in range(0, read.shape[1] if length else 0, _CHUNK):
            stop = min(start + _CHUNK, read.shape[1])
            logits, state = self._next(read[:, :stop], read[:, start:stop], state)
        for at in range(length):
            logits[:, [tokenizers.PADDING, tokenizers.UNKNOWN]] = -torch.inf
            drawn = torch.where(ended, self.end, choose(logits, choice, random))
            ended |= drawn == self.end
            yield drawn.tolist()
            if bool(ended.all()) or at + 1 == length:
                return
            new = drawn[:, None]
            read = torch.cat([read, new], dim=1)[:, -self.length:]
            logits, state = self._next(read, new, state)

    def _next(self, read: torch.Tensor, new: torch.Tensor, state: Any) -> tuple[torch.Tensor, Any]:
        """What comes after the `new` tokens, (n, vocabulary), and the memory then."""
        with torch.inference_mode():
            if self.network == "transformer_decoder":
                new, state = self._within(read, new, state)
            logits, state = self.module.step(new, state)
        return logits[:, -1].clone(), state

    def _within(self, read: torch.Tensor, new: torch.Tensor, state: Any) -> tuple[Any, Any]:
        """What to read now: where the memory is full, the last half of the length anew."""
        held = 0 if state is None else state[0].own.length
        if held + new.shape[1] <= self.length:
            return new, state
        return read[:, -max(1, self.length // 2):], None

    def _check_fitted(self) -> None:
        if not hasattr(self, "module"):
            raise StateError("LanguageModel must be fitted first: call fit(texts).")

    def state(self) -> State:
        """Kind "language_model": how it is made as config, weights as safetensors."""
        self._check_fitted()
        config = {"made_of": dict(self.module.made_of), "tokens": self.tokens,
                  "vocabulary": self.vocabulary, "lower": self.lower, "length": self.length,
                  "reading": self.reading, "seed": self.seed, "recipe": self.recipe}
        return State(KIND, config, blobs={"weights.safetensors": to_bytes(self.module)},
                     parts={"tokenizer": self.tokenizer.state()})

    @classmethod
    def from_state(cls, state: State) -> LanguageModel:
        """The fitted model that `state` describes; StateError for one that is damaged."""
        config, part = state.config, state.parts.get("tokenizer")
        if state.kind != KIND or part is None:
            raise StateError("the stored language model is damaged: it needs a tokenizer.")
        tokenizer = Tokenizer.from_state(part)
        module = rebuilt(config.get("made_of"), state.blobs.get("weights.safetensors", b""),
                         NETWORKS)
        try:
            options = {name: value for name, value in module.made_of.items() if name != "network"}
            made = cls(module.made_of["network"], options, tokens=tokenizer.kind,
                       vocabulary=int(config["vocabulary"]), lower=tokenizer.lower,
                       length=int(config["length"]), reading=config["reading"],
                       recipe=config["recipe"], seed=int(config["seed"]))
        except (KeyError, TypeError, ValueError) as error:
            raise StateError(f"the stored language model is damaged: {error}") from error
        made.tokenizer, made.module = tokenizer, module
        if module.made_of["vocabulary"] != tokenizer.size + 1 or (
                made._made_of()["outputs"] != module.made_of["outputs"]):
            raise StateError("the stored language model is damaged: its network and its tokenizer "
                             "do not have the same tokens.")
        return made


def _surprise(logits: torch.Tensor, targets: torch.Tensor) -> np.ndarray:
    found = nn.functional.cross_entropy(logits.float(), targets, reduction="none")
    return np.asarray(found.double().cpu())


def _slid(module: nn.Module, stream: torch.Tensor, length: int) -> np.ndarray:
    """Surprises of a network that sees `length` tokens: each but the first half sees half of it."""
    half, found = max(1, length // 2), []
    last = len(stream) - 1
    done = 0
    while done < last:
        start = max(0, done - (length - half)) if done else 0
        stop = min(last, start + length)
        found.append(_surprise(module(stream[None, start:stop])[0],
                               stream[start + 1:stop + 1])[done - start:])
        done = stop
    return np.concatenate(found) if found else np.zeros(0)
