"""Bags: the models of a trial's folds, put aside until it is known whether they will answer.

They lie as files in a private folder that both this process and the one that fits can see, for
the length of one fit. What comes out is State: plain data, as in a saved model. (The files are
written and read by one run and its own children; nothing of them is ever loaded again.)
"""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import dataclass
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any

from wholefit.base.errors import StateError
from wholefit.base.state import State
from wholefit.features.encoder import Encoder
from wholefit.training._folds import Fit, Problem


@dataclass(frozen=True)
class Kept:
    """One model: its state, and the encoder that it shares with others of the same rows."""

    state: State
    encoder: str


class Bags:
    """A folder of models. What has no State, or finds no room, is not kept."""

    def __init__(self, problem: Problem, folder: str | os.PathLike[str]) -> None:
        self.problem, self.folder = problem, Path(folder)

    def put(self, number: int, made: Fit) -> str:
        """Put a fold's model aside; the name of its file, "" if it cannot be kept."""
        try:
            state = made.model.state(made.estimator, self.problem.task, made.context)
            encoder = self._encoder(number, made.encoder)
            name = f"member-{number}-{secrets.token_hex(8)}"
            self._write(name, {"state": state, "encoder": encoder})
        except (StateError, OSError):
            return ""
        return name

    def get(self, name: str) -> Kept:
        """The model put aside under `name`."""
        found = self._read(name)
        return Kept(found["state"], found["encoder"])

    def encoder(self, name: str) -> Encoder:
        """The encoder put aside under `name`."""
        found = self._read(name)
        assert isinstance(found, Encoder)
        return found

    def size(self, name: str) -> int:
        """Bytes of a model put aside, its encoder apart."""
        return (self.folder / name).stat().st_size

    def _encoder(self, number: int, encoder: Encoder) -> str:
        """Models of one fold and the same needs share an encoder: it is written once."""
        told = hashlib.sha256(repr((encoder.encoding, encoder.seed)).encode()).hexdigest()[:16]
        name = f"encoder-{number}-{told}"
        if not (self.folder / name).exists():
            self._write(name, encoder)
        return name

    def _write(self, name: str, thing: Any) -> None:
        draft = self.folder / f"{name}.{secrets.token_hex(4)}.tmp"
        try:
            draft.write_bytes(ForkingPickler.dumps(thing))
            draft.replace(self.folder / name)
        except OSError:
            draft.unlink(missing_ok=True)
            raise

    def _read(self, name: str) -> Any:
        return ForkingPickler.loads((self.folder / name).read_bytes())
