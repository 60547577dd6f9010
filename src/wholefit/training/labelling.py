"""A labelling session: what to ask whom next, what was said, and what is learnt meanwhile.

The order of questions is mixed. Most are those a model is least sure of (active learning), which
saves labels; a stated share is drawn at random, and what is measured on the random ones holds for
all items. The random order is fixed by the items' keys, so the items at its front that are all
answered are a fair sample, however each of them came to be asked: `fair` gives them.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.errors import unknown
from wholefit.base.params import Params, param
from wholefit.data.labels import Answer, Items, Store
from wholefit.training._active import STRATEGIES, choose, uncertainty
from wholefit.training.prelabels import Assistant, Guesses, Learner

Array = np.ndarray
ORDERS = ("uncertain", "random", "as-is")
_BATCH = 10


@dataclass(frozen=True)
class Options(Params):
    """How a session asks."""

    order: str = param("uncertain", "What is asked first: what the model is least sure of, a "
                       "random order, or the order of the source.", choices=ORDERS)
    strategy: str = param("margin", "How unsure is counted.", choices=STRATEGIES)
    random_share: float = param(0.2, "Share of the questions that are drawn at random all the "
                                "same, for honest estimates.", low=0, high=1)
    overlap: float = param(1.0, "Share of the items that every annotator is asked; the others "
                           "are asked of one.", low=0, high=1)
    again: bool = param(False, "Ask what was skipped in earlier sessions once more.")
    seed: int = param(0, "The random order follows from it.", low=0)


@dataclass(frozen=True)
class Question:
    """An item to label: its cells as shown, and how it was drawn.

    `guess` is (label, probability) of the model, if it has learnt something; who shows it to
    the annotator says so with the answer (`shown=True`).
    """

    item: int
    key: str
    shown: list[tuple[str, str]]
    kind: str
    drawn: str
    guess: tuple[str, float] | None
    taught: int


class Session:
    """Questions and answers of any number of annotators over one store; safe from any thread.

    `learner` makes guesses (None: there are none, and nothing is asked by uncertainty);
    `background=False` learns between the questions, see `Assistant`: for scripts that must repeat.
    """

    def __init__(
        self, items: Items, store: Store, options: Options | None = None, *,
        learner: Learner | None = None, background: bool = True,
    ) -> None:
        self.items, self.store = items, store
        self.options = options or Options()
        self.assistant = None if learner is None else Assistant(learner, background=background)
        self._lock = threading.RLock()
        self._places = items.places()
        self._random = _hashed(items.keys, f"order/{self.options.seed}")
        self._first = np.argsort(self._random, kind="stable")
        self._common = _hashed(items.keys, "overlap") < self.options.overlap * 2.0**64
        self._done: dict[str, Array] = {}
        self._asked: dict[str, Question] = {}
        self._batch: dict[str, tuple[Guesses, list[int]]] = {}
        self._votes = np.zeros((len(items), len(store.classes)), dtype=np.int64)
        self._replay()
        self._teach()

    # Asking and answering

    def next(self, who: str) -> Question | None:
        """The question that `who` has before them; None when nothing is left."""
        with self._lock:
            if who not in self._asked:
                item, drawn = self._pick(who)
                if item < 0:
                    return None
                self._asked[who] = self._question(item, drawn)
            return self._asked[who]

    def answer(
        self, who: str, key: str, label: str, *, seconds: float | None = None,
        shown: bool = False,
    ) -> Answer:
        """Keep what `who` says of an item; it is on the disk when this returns."""
        with self._lock:
            item = self._item(key)
            facts = self._facts(who, key, seconds, shown)
            before = self.store.label_of(who, key)
            answer = self.store.answer(who, key, label, **facts)
            self._settle(who, item, before)
            return answer

    def skip(self, who: str, key: str, *, seconds: float | None = None) -> Answer:
        """Keep that `who` cannot tell; the item is not asked of them again."""
        with self._lock:
            item = self._item(key)
            before = self.store.label_of(who, key)
            answer = self.store.skip(who, key, **self._facts(who, key, seconds, False))
            self._settle(who, item, before)
            return answer

    def note(self, who: str, key: str, text: str) -> None:
        """Keep a remark of `who` on an item."""
        with self._lock:
            self._item(key)
            self.store.note(who, key, text)

    def undo(self, who: str) -> Question | None:
        """Take the last answer of `who` back and ask it again; None if there is none."""
        with self._lock:
            last = next((a for a in reversed(self.store.said_by(who))), None)
            if last is None:
                return None
            before = self.store.label_of(who, last.key)
            self.store.undo(who)
            if last.key not in self._places:
                return self.next(who)
            item = self._item(last.key)
            self._settle(who, item, before)
            self._mark(who)[item] = False
            self._asked[who] = self._question(item, str(last.facts.get("drawn", "again")))
            return self._asked[who]

    def adjudicate(self, who: str, key: str, label: str) -> Answer:
        """Keep the last word on an item."""
        with self._lock:
            self._item(key)
            answer = self.store.adjudicate(who, key, label)
            self._teach()
            return answer

    def question(self, key: str) -> Question:
        """An item as a question, whoever was asked it."""
        return self._question(self._item(key), "again")

    def wait(self, seconds: float = 60.0) -> bool:
        """Wait until the model has learnt every answer; False if that took too long."""
        return self.assistant is None or self.assistant.wait(seconds)

    def close(self) -> None:
        """Let go of the store and stop learning."""
        if self.assistant is not None:
            self.assistant.close()
        self.store.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # How far it is

    def progress(self, who: str) -> dict[str, Any]:
        """Counts for `who`: items in all, labelled, skipped, left to ask; and of each class."""
        with self._lock:
            mine = [a for a in self.store.answers(who).values() if a.key in self._places]
            labelled = [answer.label for answer in mine if answer.label is not None]
            return {
                "items": len(self.items), "labelled": len(labelled),
                "skipped": len(mine) - len(labelled), "left": len(self._open(who)),
                "classes": {name: labelled.count(name) for name in self.store.classes},
            }

    def disagreements(self) -> list[str]:
        """Keys of items with different labels and no last word yet, most evenly split first."""
        with self._lock:
            votes = self._votes
            split = np.flatnonzero((votes > 0).sum(axis=1) > 1)
            settled = self.store.adjudicated()
            even = votes[split].max(axis=1) / votes[split].sum(axis=1)
            keys = (self.items.keys[split[at]] for at in np.argsort(even, kind="stable"))
            return [key for key in keys if key not in settled]

    def consensus(self) -> tuple[Array, Array]:
        """Items with one label agreed on, and its codes: the last word, else the majority."""
        with self._lock:
            most = self._votes.max(axis=1)
            clear = (most > 0) & ((self._votes == most[:, None]).sum(axis=1) == 1)
            codes = np.where(clear, self._votes.argmax(axis=1), -1)
            for key, answer in self.store.adjudicated().items():
                if key in self._places:
                    codes[self._places[key]] = self.store.classes.index(str(answer.label))
            rows = np.flatnonzero(codes >= 0)
            return rows, codes[rows]

    def fair(self) -> Array:
        """Labelled items that are a fair sample of all: the answered front of the random order.

        Skipped ones are passed over.
        """
        with self._lock:
            labelled = np.zeros(len(self.items), dtype=bool)
            labelled[self.consensus()[0]] = True
            dealt = labelled.copy()
            for mask in self._done.values():
                dealt |= mask
            asked = dealt[self._first]
            front = self._first[:len(asked) if asked.all() else int(asked.argmin())]
            return front[labelled[front]]

    # Machinery

    def _item(self, key: str) -> int:
        if key not in self._places:
            raise unknown("item", key, ())
        return self._places[key]

    def _question(self, item: int, drawn: str) -> Question:
        guesses = None if self.assistant is None else self.assistant.guesses
        guess = None
        if guesses is not None:
            code, p = guesses.of(item)
            guess = (self.store.classes[code], p)
        taught = 0 if guesses is None else len(guesses.taught)
        return Question(item, self.items.keys[item], self.items.shown(item), self.items.kind,
                        drawn, guess, taught)

    def _facts(self, who: str, key: str, seconds: float | None, shown: bool) -> dict[str, Any]:
        """What was known when the answer was given: the guess came before it."""
        asked = self._asked.get(who)
        facts: dict[str, Any] = {"seconds": None if seconds is None else round(seconds, 2)}
        if asked is not None and asked.key == key:
            facts["drawn"] = asked.drawn
            if asked.guess is not None:
                facts |= {"guess": asked.guess[0], "p": round(asked.guess[1], 4),
                          "taught": asked.taught, "shown": shown}
        return facts

    def _settle(self, who: str, item: int, before: str | None) -> None:
        """Let an answer, a skip or an undo have its effect on counts and on the model."""
        after = self.store.label_of(who, self.items.keys[item])
        for label, step in ((before, -1), (after, 1)):
            if label is not None:
                self._votes[item, self.store.classes.index(label)] += step
        self._mark(who)[item] = True
        self._asked.pop(who, None)
        if before != after:
            self._teach()

    def _teach(self) -> None:
        if self.assistant is not None:
            self.assistant.learn(*self.consensus())

    def _mark(self, who: str) -> Array:
        """Which items `who` has answered or skipped."""
        if who not in self._done:
            self._done[who] = np.zeros(len(self.items), dtype=bool)
        return self._done[who]

    def _replay(self) -> None:
        for who in self.store.annotators:
            for key, answer in self.store.answers(who).items():
                if key not in self._places:
                    continue
                item = self._places[key]
                self._mark(who)[item] = answer.label is not None or not self.options.again
                if answer.label is not None:
                    self._votes[item, self.store.classes.index(answer.label)] += 1

    def _open(self, who: str) -> Array:
        """Items that may still be asked of `who`."""
        free = ~self._mark(who)
        if self.options.overlap < 1:
            taken = np.zeros(len(self.items), dtype=bool)
            for other, mask in self._done.items():
                if other != who:
                    taken |= mask
            for other, asked in self._asked.items():
                taken[asked.item] |= other != who
            free &= self._common | ~taken
        return np.flatnonzero(free)

    def _pick(self, who: str) -> tuple[int, str]:
        left = self._open(who)
        if not len(left):
            return -1, ""
        if self.options.order == "as-is":
            return int(left[0]), "as-is"
        guesses = None if self.assistant is None else self.assistant.guesses
        if self.options.order == "random" or guesses is None or self._random_turn(who):
            return int(left[np.argmin(self._random[left])]), "random"
        return self._unsure(who, left, guesses), "uncertain"

    def _random_turn(self, who: str) -> bool:
        said = self.store.said_by(who)
        drawn = sum(answer.facts.get("drawn") == "random" for answer in said)
        return drawn < self.options.random_share * (len(said) + 1) - 1e-9

    def _unsure(self, who: str, left: Array, guesses: Guesses) -> int:
        """The next of a batch of unlike items that these guesses are least sure of."""
        known, batch = self._batch.get(who, (None, []))
        free = np.zeros(len(self.items), dtype=bool)
        free[left] = True
        batch = [item for item in batch if free[item]]
        if known is not guesses or not batch:
            assert self.assistant is not None
            unlearnt = np.setdiff1d(np.flatnonzero(self._mark(who)), guesses.taught)
            batch = choose(uncertainty(guesses.proba, self.options.strategy),
                           self.assistant.learner.X, left, _BATCH, unlearnt).tolist()
        self._batch[who] = (guesses, batch)
        return int(batch[0])


def _hashed(keys: Sequence[str], salt: str) -> Array:
    """A number for each key, uint64, that depends on nothing but the key and the salt."""
    return np.array([int.from_bytes(hashlib.sha256(f"{salt}/{key}".encode(
        "utf-8", "backslashreplace")).digest()[:8], "big") for key in keys], dtype=np.uint64)
