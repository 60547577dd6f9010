"""A blend: members with their own encoders, whose answers are averaged by shares.

It answers to rows, not to a matrix: its members read the same columns in different ways.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wholefit.base.errors import StateError
from wholefit.base.state import State
from wholefit.features.encoder import Encoder
from wholefit.features.sheet import by_blocks
from wholefit.models._kernels._links import bounded, tempered
from wholefit.models._kernels.second import Second
from wholefit.models._scorers import scorer


class Blend:
    """Parts "encoder 0", ..., "model 0", ...; config `members`, `temperature`, `line`, `n_classes`.

    `members` are `{"encoder": number, "share": > 0, ...}`, one for each model, in order. The mean
    of probabilities is tempered, that of numbers m becomes line[0] + line[1] * m. Each model's
    numbers are held within config `bounds`, where given. Parts "second 0", ... of config
    `seconds`, `{"share": > 0}` each, read what the members named "model" answered on the mean;
    a member that only they ask has no share.
    """

    wants = "rows"

    def __init__(self, state: State) -> None:
        self._members = state.config["members"]
        self._temperature = float(state.config["temperature"])
        self._offset, self._slope = (float(each) for each in state.config["line"])
        self._classes = int(state.config["n_classes"])
        self._bounds = state.config.get("bounds")
        self._read(state)

    def _read(self, state: State) -> None:
        numbers = sorted({int(member["encoder"]) for member in self._members})
        second = [float(each["share"]) for each in state.config.get("seconds", ())]
        shares = [float(member["share"]) for member in self._members]
        if not shares or min(shares) < 0 or not 0 < sum(shares) + sum(second) < np.inf \
                or (not second and min(shares) == 0) or min(second, default=1.0) <= 0 \
                or not 0 < self._temperature < np.inf:
            raise StateError("a blend needs members of shares > 0 and a temperature > 0; got "
                             f"shares {shares}, temperature {self._temperature}.")
        whole = sum(shares) + sum(second)
        self._shares = np.array(shares) / whole
        self._seconds = [(share / whole, Second(state.parts[f"second {at}"]))
                         for at, share in enumerate(second)]
        self.encoders = {n: Encoder.from_state(state.parts[f"encoder {n}"]) for n in numbers}
        self._models = [scorer(state.parts[f"model {at}"]) for at in range(len(shares))]

    def answer(self, dataset: Any) -> np.ndarray:
        """Conforming rows (n) to probabilities (n, classes) or numbers (n,)."""
        found: Any = 0.0
        asked: dict[str, list[np.ndarray]] = {}
        read: dict[tuple[Any, ...], Any] = {}
        for number, encoder in self.encoders.items():
            X = encoder.transform(dataset, read=read)
            for member, share, model in zip(self._members, self._shares, self._models,
                                            strict=True):
                if int(member["encoder"]) == number:
                    each = bounded(by_blocks(X, model.answer), self._bounds)
                    found = found + share * each
                    if self._seconds:
                        asked.setdefault(member["model"], []).append(each)
        first = {label: np.mean(several, axis=0) for label, several in asked.items()}
        for share, second in self._seconds:
            found = found + share * bounded(second.answer(first), self._bounds)
        if not self._classes:
            return self._offset + self._slope * np.asarray(found)
        return tempered(np.asarray(found), self._temperature)


def blend_state(
    models: Sequence[State], encoders: Mapping[str, Encoder], members: Sequence[Mapping[str, Any]],
    *, temperature: float, n_classes: int, line: tuple[float, float] = (0.0, 1.0),
    bounds: tuple[float, float] | None = None, seconds: Sequence[tuple[State, float]] = (),
) -> State:
    """The state of a blend; each of `members` names its encoder (a key of `encoders`).

    Encoders are stored in the order of their keys here, whatever made them. `seconds` are states
    of the second layer (see `second.Second`) with their shares.
    """
    order = {name: number for number, name in enumerate(encoders)}
    config: dict[str, Any] = {
        "members": [{**member, "encoder": order[member["encoder"]]} for member in members],
        "temperature": float(temperature), "n_classes": int(n_classes),
        "line": [float(each) for each in line]}
    parts = {f"encoder {order[name]}": encoder.state() for name, encoder in encoders.items()}
    parts |= {f"model {at}": state for at, state in enumerate(models)}
    if bounds is not None:
        config["bounds"] = [float(each) for each in bounds]
    if seconds:
        config["seconds"] = [{"share": float(share)} for _, share in seconds]
        parts |= {f"second {at}": state for at, (state, _) in enumerate(seconds)}
    return State("blend", config, parts=parts)
