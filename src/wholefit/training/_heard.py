"""What a fit keeps of its networks' trainings, and who hears of them: `checkpoint`, `callbacks`.

Every training has a place of its own, so that no two are ever mixed up: the folder holds one for
each configuration, `mlp-1f0c33ab`, and in it one for each fold, `fold-1`, and `all`, the fit of the
choice on all rows. A configuration's place hangs on what it says, not on what stands beside it: a
model more in `models=` leaves those of the others where they were.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wholefit.base.errors import ParameterError
from wholefit.models import Model
from wholefit.training.replaying.script import key as written_as

_RACED = ("balanced", "best")


@dataclass(frozen=True)
class Heard:
    """A folder or a `Checkpoint` that keeps trainings as they go, and callbacks told of them.

    A callback that has `alike(name)`, such as a `Board`, gives one of its own for each training;
    another hears of them one after the other.
    """

    checkpoint: Any = None
    callbacks: tuple[Any, ...] = ()

    @classmethod
    def of(cls, checkpoint: Any, callbacks: Any) -> Heard | None:
        """What was asked for; None where nothing was. ParameterError for what is neither."""
        if isinstance(callbacks, (str, bytes)) or not hasattr(callbacks, "__iter__"):
            raise ParameterError("callbacks must be a list of callables (event, loop); got "
                                 f"{callbacks!r}.")
        given = tuple(callbacks)
        for each in given:
            _check_callback(each)
        if checkpoint is None and not given:
            return None
        return cls(None if checkpoint is None else _checked(checkpoint), given)

    def check(self, models: Sequence[Model] | None, preset: str, memory: bool) -> None:
        """ParameterError where no model would hear of it, or not every training could."""
        word = "checkpoint" if self.checkpoint is not None else "callbacks"
        networks = [model for model in models or () if model.heard]
        if not networks:
            named = ", ".join(model.name for model in models) if models else "none named"
            raise ParameterError(f"{word}= is for the trainings of networks, and models= has none "
                                 f"({named}): name one, such as models='mlp'.")
        if preset in _RACED:
            raise ParameterError(
                f"{word}= goes with models that are fitted one after the other; preset="
                f"{preset!r} has them race in processes of their own: leave one of the two out.")
        if self.callbacks and memory:
            raise ParameterError("memory= fits models in a second process, where callbacks= "
                                 "cannot be heard: leave one of the two out.")
        places = [place(model) for model in networks]
        twice = next((at for at, each in enumerate(places) if each in places[:at]), None)
        if twice is not None:
            raise ParameterError(
                f"{word}= tells trainings apart by what their models say, and models= has "
                f"{networks[twice].name} twice, alike: leave one of the two out.")

    def sent(self) -> Heard | None:
        """What another process can be given: the folder, for callbacks are heard here."""
        return None if self.checkpoint is None else replace(self, callbacks=())

    def turns(self, model: Model, key: Any) -> Iterator[dict[str, Any]]:
        """Options of each `fit` that one fold asks of the model; of those of a pilot nothing.

        Where rows are balanced, a fold may ask for several: the second's place is in the first's.
        """
        if not model.heard or not (key == "all" or isinstance(key, int)):
            yield from itertools.repeat({})
        name = f"{place(model)}/{key if key == 'all' else f'fold-{key + 1}'}"
        yield self._options(name)
        for number in itertools.count(2):
            yield self._options(f"{name}/{number}")

    def _options(self, name: str) -> dict[str, Any]:
        callbacks = [each.alike(name) if hasattr(each, "alike") else each
                     for each in self.callbacks]
        found: dict[str, Any] = {"callbacks": callbacks}
        if self.checkpoint is not None:
            found["checkpoint"] = self.checkpoint.alike(name) if hasattr(
                self.checkpoint, "alike") else Path(self.checkpoint, name)
        return found


def turns(heard: Heard | None, model: Model, key: Any) -> Iterator[dict[str, Any]]:
    """As `Heard.turns`; where nothing was asked for, no options."""
    return itertools.repeat({}) if heard is None else heard.turns(model, key)


def place(model: Model) -> str:
    """The configuration's folder: its name, and what tells it from others of that name."""
    plain = re.sub(r"[^A-Za-z0-9_.]+", "_", model.name).strip(".") or "model"
    return f"{plain}-{hashlib.sha256(written_as(model).encode()).hexdigest()[:8]}"


def _checked(given: Any) -> Any:
    folder = getattr(given, "folder", given)
    if not isinstance(folder, (str, Path)) or not str(folder):
        raise ParameterError(f"checkpoint must name a folder, or be a Checkpoint; got {given!r}.")
    above = next((each for each in (Path(folder), *Path(folder).parents) if each.exists()), None)
    if above is not None and not above.is_dir():
        raise ParameterError(f"checkpoint must name a folder, which is made where it is not there; "
                             f"got {str(folder)!r}, and {str(above)!r} is a file.")
    return given


def _check_callback(each: Any) -> None:
    if isinstance(each, type) or not callable(each):
        raise ParameterError("each of callbacks must be a callable (event, loop), made and not its "
                             f"class; got {each!r}.")
    if hasattr(each, "load_state_dict") and not hasattr(each, "alike"):
        raise ParameterError(
            f"the callback {type(each).__name__} has a state, and folds must not share one: give "
            "it a method alike(name) that makes a fresh one for the training of that name.")
