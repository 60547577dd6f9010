"""Checkpoints: a run's whole state on disk, and going on from there bit for bit.

A checkpoint is two files: `step-N.safetensors` holds the tensors, `step-N.json` the rest and the
hash of the first. Each is written beside its place and moved there when it is whole, the JSON last:
a process may be killed at any moment, and what is found afterwards is whole or not there. A newest
one that is damaged gives way to the one before.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from wholefit.base.errors import CheckpointError, ParameterError, StateError, WholefitWarning
from wholefit.base.optional import need
from wholefit.nn.loop import Loop

_FORMAT = 1
# What may differ between the run that wrote a checkpoint and the one that goes on.
_FREE = ("epochs", "patience", "device", "replay", "compiled", "chosen")


class Checkpoint:
    """A callback that saves the loop each `steps` steps, `epochs` epochs or `seconds` seconds.

    With none of the three: after each epoch. The newest `keep` stay. `recipe` (a mapping) is stored
    and must fit when a run goes on. Give it last, so that it sees what the others did.
    """

    def __init__(
        self, folder: str | Path, *, steps: int | None = None, epochs: int | None = None,
        seconds: float | None = None, keep: int = 2, recipe: Mapping[str, Any] | None = None,
    ) -> None:
        if keep < 1:
            raise ParameterError(f"Checkpoint.keep must be >= 1; got {keep}.")
        self.folder, self.recipe, self._keep = Path(folder), dict(recipe or {}), keep
        self._steps, self._seconds, self._asked = steps, seconds, epochs
        self._paused = False
        self.silent = False  # True in all processes but one of a shared training
        self._epochs = 1 if epochs is None and steps is None and seconds is None else epochs
        self._saved, self.every_step = time.monotonic(), bool(steps or seconds)

    def alike(self, inside: str = "", facts: Mapping[str, Any] | None = None) -> Checkpoint:
        """A fresh one that saves as often, in the folder or one inside it; `facts` must fit too."""
        return Checkpoint(self.folder / inside, steps=self._steps, epochs=self._asked,
                          seconds=self._seconds, keep=self._keep, recipe=facts)

    def __call__(self, event: str, loop: Loop) -> None:
        """Save where it is due."""
        if event == "step":
            due = bool(self._steps) and loop.step % (self._steps or 1) == 0
            late = self._seconds is not None and time.monotonic() - self._saved >= self._seconds
            if due or late:
                self.save(loop)
        elif event == "epoch" and not self._paused and (
                loop.stopped or (self._epochs and loop.epoch % self._epochs == 0)):
            self.save(loop)

    def pause(self, loop: Loop) -> None:
        """Save an epoch that is cut short before it is judged, so that its rest can be made."""
        self._paused = True
        self.save(loop)

    def save(self, loop: Loop) -> None:
        """Write the loop as it is now, and take away the oldest."""
        if self.silent:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        write(self.folder, loop.step, {"loop": loop.state_dict(), "recipe": self.recipe})
        self._saved = time.monotonic()
        for step in steps(self.folder)[:-self._keep]:
            for suffix in (".json", ".safetensors"):  # the JSON first: without it there is none
                (self.folder / f"{_name(step)}{suffix}").unlink(missing_ok=True)

    def decided(self, name: str) -> Any:
        """What the recipe of the newest checkpoint says there; None where there is none."""
        found = read(self.folder)
        return None if found is None else found["recipe"].get(name)

    def resume(self, loop: Loop) -> bool:
        """Load the newest whole checkpoint into `loop`; False where there is none."""
        found = read(self.folder)
        if found is None:
            return False
        for name, value in self.recipe.items():
            stored = found["recipe"].get(name, value)
            if stored != value and name not in _FREE:
                raise CheckpointError(f"the checkpoint in {self.folder} was made with {name}="
                                      f"{stored!r}; got {value!r}: take another folder.")
        try:
            loop.load_state_dict(found["loop"])
        except (KeyError, ValueError, TypeError, IndexError, RuntimeError) as error:
            raise StateError(f"the checkpoint in {self.folder} does not fit this network and "
                             f"data: {error}") from error
        return True


def of(asked: str | Path | Checkpoint) -> Checkpoint:
    """A folder as the `Checkpoint` that saves there after each epoch; one that is said stays.

    Raises ParameterError for a place that holds a file.
    """
    found = asked if isinstance(asked, Checkpoint) else Checkpoint(asked)
    if found.folder.exists() and not found.folder.is_dir():
        raise ParameterError(f"checkpoint must name a folder, which is made where it is not there; "
                             f"got {str(found.folder)!r}, a file.")
    return found


def go_on(loop: Loop) -> None:
    """Go on from what a `Checkpoint` among the loop's callbacks has saved, if it has."""
    for each in loop.callbacks:
        if isinstance(each, Checkpoint):
            each.resume(loop)


def steps(folder: str | Path) -> list[int]:
    """The steps at which there are checkpoints, in order."""
    found = [path.stem.removeprefix("step-") for path in Path(folder).glob("step-*.json")]
    return sorted(int(each) for each in found if each.isdecimal())


def write(folder: Path, step: int, state: Mapping[str, Any]) -> None:
    """Write nested dicts and lists of tensors, numbers, words and None as one checkpoint."""
    held: dict[str, torch.Tensor] = {}
    plain = _plain(state, held)
    stored = need("safetensors.torch", extra="deep", user="a checkpoint").save(held)
    _put(folder / f"{_name(step)}.safetensors", stored)
    head = {"format": _FORMAT, "sha256": hashlib.sha256(stored).hexdigest(), "state": plain}
    _put(folder / f"{_name(step)}.json", json.dumps(head).encode())


def read(folder: str | Path) -> dict[str, Any] | None:
    """The newest whole checkpoint; None where there never was one.

    Raises StateError where all are damaged.
    """
    damaged = []
    for step in reversed(steps(folder)):
        try:
            found = _read(Path(folder), step)
        except Exception as error:  # a damaged file may fail in many ways
            damaged.append(f"step {step}: {error}")
            warnings.warn(f"the checkpoint of step {step} in {folder} is damaged ({error}); "
                          "the one before is taken.", WholefitWarning, stacklevel=3)
            continue
        return found
    if damaged:
        raise StateError(f"no checkpoint in {folder} is whole ({damaged[0]}); remove the folder to "
                         "begin anew.")
    return None


def _read(folder: Path, step: int) -> dict[str, Any]:
    head = json.loads((folder / f"{_name(step)}.json").read_text())
    if head["format"] != _FORMAT:
        raise StateError(f"its format is {head['format']}, not {_FORMAT}")
    stored = (folder / f"{_name(step)}.safetensors").read_bytes()
    if hashlib.sha256(stored).hexdigest() != head["sha256"]:
        raise StateError("its tensors are not those that were written")
    held = need("safetensors.torch", extra="deep", user="a checkpoint").load(stored)
    state = _rich(head["state"], held)
    if not isinstance(state, dict) or not {"loop", "recipe"} <= set(state):
        raise StateError("it does not hold a run")
    return state


def _name(step: int) -> str:
    return f"step-{step:010d}"


def _put(path: Path, content: bytes) -> None:
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _plain(value: Any, held: dict[str, torch.Tensor]) -> Any:
    """JSON with tensors replaced by their names in `held`."""
    if isinstance(value, torch.Tensor):
        name = str(len(held))
        held[name] = value.detach().cpu().contiguous().clone()
        return {"$": "tensor", "name": name}
    if isinstance(value, Mapping):
        return {"$": "dict", "items": [[_plain(k, held), _plain(v, held)]
                                       for k, v in value.items()]}
    if isinstance(value, list | tuple):
        return [_plain(each, held) for each in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if hasattr(value, "item"):  # a number of numpy
        return value.item()
    raise StateError(f"a checkpoint holds tensors, numbers and words; got {type(value).__name__}.")


def _rich(value: Any, held: Mapping[str, torch.Tensor]) -> Any:
    if isinstance(value, list):
        return [_rich(each, held) for each in value]
    if isinstance(value, dict):
        if value["$"] == "tensor":
            return held[value["name"]]
        return {_rich(k, held): _rich(v, held) for k, v in value["items"]}
    return value
