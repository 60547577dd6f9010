"""Ways of compressing: which models each is for, and what it makes of their State."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from wholefit.base.errors import StateError
from wholefit.base.state import State
from wholefit.training.compress import networks, structured, trees
from wholefit.training.compress.options import Options
from wholefit.training.compress.pruning import pruned
from wholefit.training.compress.tuned import Lesson
from wholefit.training.compress.walk import Feed, changed, kinds

NETWORKS = ("network",)
TREES = ("trees",)
# Arrays that their scorers read as float64, whatever they are stored in.
_NUMBERS = {"linear": ("coef",), "kernel_machine": ("support", "dual"), "neighbors": ("rows",),
            "calibrated": ()}


@dataclass(frozen=True, eq=False)
class Work:
    """What a way has to work with: the state, the rows that it is asked, how it may be taught.

    `feed` gives features (or, of a blend, rows); `lesson` is there where the model as a whole is
    one network that can learn on, and the truth of the rows is known.
    """

    state: State
    feed: Feed
    lesson: Lesson | None
    options: Options


@dataclass(frozen=True)
class Way:
    """A way: the kinds of state it changes, what it says of itself, and what it does."""

    word: str
    kinds: tuple[str, ...]
    said: Callable[[Options], str]
    make: Callable[[Work], State]

    def takes(self, state: State) -> bool:
        """Whether something of the state can be compressed so."""
        return bool(kinds(state) & set(self.kinds))


def _each(word: str, change: Callable[[Work, State, Feed | None], State]
          ) -> Callable[[Work], State]:
    def make(work: Work) -> State:
        taken = WAYS[word].kinds
        return changed(work.state, taken, partial(change, work), work.feed)

    return make


def _float32(work: Work, state: State, feed: Feed | None) -> State:
    return _in_bits(state, np.float32, networks.float32)


def _float16(work: Work, state: State, feed: Feed | None) -> State:
    return _in_bits(state, np.float16, networks.float16)


def _in_bits(state: State, dtype: Any, of_network: Callable[[State], State]) -> State:
    if state.kind == "network":
        return of_network(state)
    if state.kind == "trees":
        return trees.in_bits(state, dtype)
    arrays = {name: trees.narrowed(array, dtype) if name in _NUMBERS[state.kind] else array
              for name, array in state.arrays.items()}
    return State(state.kind, state.config, arrays, state.blobs, state.parts)


def _static(work: Work, state: State, feed: Feed | None) -> State:
    return networks.static(state, _features(feed), work.options.coverage)


def _structured(work: Work, state: State, feed: Feed | None) -> State:
    cut = structured.structured(state, _features(feed), work.options.units)
    if work.lesson is None or not work.options.epochs:
        return cut
    return work.lesson.taught(cut, work.options.epochs)


def _pruned(work: Work, state: State, feed: Feed | None) -> State:
    found, masks = pruned(state, work.options.sparsity, work.lesson, work.options.epochs)
    return networks.packed_sparse(found, masks)


def _deep(work: Work, state: State, feed: Feed | None) -> State:
    found, masks = pruned(state, work.options.sparsity, work.lesson, work.options.epochs)
    return networks.packed_shared(found, work.options.levels, work.options.seed, masks)


def _features(feed: Feed | None) -> np.ndarray:
    if feed is None:
        raise StateError("a member of this ensemble prepares its columns by itself: what it is "
                         "asked is not known.")
    return np.asarray(feed())


def _taught(options: Options) -> str:
    return (f", the others taught for {options.epochs} epochs where the model is one network"
            if options.epochs else "")


WAYS: dict[str, Way] = {way.word: way for way in (
    Way("float32", (*NETWORKS, *TREES, *_NUMBERS), lambda o: "numbers of 32 bits, not 64",
        _each("float32", _float32)),
    Way("float16", (*NETWORKS, *TREES, *_NUMBERS), lambda o: "numbers of 16 bits",
        _each("float16", _float16)),
    Way("int8", NETWORKS, lambda o: "weights of 8 bits, added up in floats",
        _each("int8", lambda work, state, feed: networks.int8(state))),
    Way("dynamic", NETWORKS, lambda o: "weights of 8 bits, and sums in whole numbers: what enters "
        "a layer is rounded row by row", _each("dynamic", lambda work, state, feed:
                                               networks.dynamic(state))),
    Way("static", NETWORKS, lambda o: "weights of 8 bits, and sums in whole numbers: what enters a "
        "layer is rounded by ranges learnt from the rows", _each("static", _static)),
    Way("shared", NETWORKS, lambda o: f"{o.levels} values that the weights of a tensor share",
        _each("shared", lambda work, state, feed: networks.packed_shared(
            state, work.options.levels, work.options.seed))),
    Way("pruned", NETWORKS, lambda o: f"{o.sparsity:.0%} of the weights taken away, the smallest"
        + _taught(o), _each("pruned", _pruned)),
    Way("structured", NETWORKS, lambda o: f"{o.units:.0%} of the units of each hidden layer taken "
        "away" + _taught(o), _each("structured", _structured)),
    Way("deep", NETWORKS, lambda o: f"pruned by {o.sparsity:.0%}, and {o.levels} values shared by "
        "what is left" + _taught(o), _each("deep", _deep)),
    Way("fewer", (*TREES, *trees.NATIVE), lambda o: f"{o.trees:.0%} of the trees",
        _each("fewer", lambda work, state, feed: trees.fewer(state, work.options.trees))),
    Way("shallow", TREES, lambda o: f"trees of at most {o.depth} levels of splits",
        _each("shallow", lambda work, state, feed: trees.shallow(state, work.options.depth))),
)}
