"""Bases: networks that have learnt already, to begin from.

    base.module, base.picture, base.sha256
    base.save("copy.safetensors")              # one file: weights, and JSON that says what of
    bases.from_bytes(base.to_bytes())

`loading` reads them from wherever they come.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from wholefit.base.errors import StateError
from wholefit.base.optional import need
from wholefit.base.wording import cut
from wholefit.nn import networks
from wholefit.nn.rebuilding import rebuilt
from wholefit.nn.transfer.bodies import fingerprint

_KEY = "wholefit"
_MOST_WORDS = 4 * 2**20


@dataclass(frozen=True)
class Picture:
    """How a base wants pictures: pixels 0..255 resized to `size`, less `mean`, over `spread`.

    `flipped` is for weights that were trained with the order blue, green, red. `size` None leaves
    pictures as large as they are.
    """

    size: int | None = None
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    spread: tuple[float, ...] = (255.0, 255.0, 255.0)
    flipped: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {name: list(value) if isinstance(value, tuple) else value
                for name, value in asdict(self).items()}

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Picture:
        """From `to_dict`; StateError for anything else."""
        try:
            mean, spread = (tuple(float(v) for v in stored[name]) for name in ("mean", "spread"))
            size = stored["size"]
            found = cls(None if size is None else int(size), mean, spread,
                        bool(stored.get("flipped", False)))
        except (LookupError, TypeError, ValueError) as error:
            raise StateError(f"how pictures are prepared is not stated as it must be: {error!r}."
                             ) from error
        good = len(mean) == len(spread) and 1 <= len(mean) <= 64 and all(spread)
        if not good or not (found.size is None or 1 <= found.size <= 4096):
            raise StateError(f"pictures cannot be prepared so: {cut(str(dict(stored)), 200)}.")
        return found


@dataclass(frozen=True, eq=False)
class Base:
    """A network that has learnt, and how it wants its input.

    `picture` for pictures; `tokenizer`, the JSON text of a tokenizer, and `length`, most tokens a
    text, for texts; neither for tables of numbers. `name` is what people call it.
    """

    module: nn.Module
    picture: Picture | None = None
    tokenizer: str | None = None
    length: int | None = None
    name: str = ""
    source: str = field(default="", compare=False)

    @property
    def made_of(self) -> dict[str, Any]:
        """What `networks.make` makes it of again."""
        found = getattr(self.module, "made_of", None)
        if not isinstance(found, dict):
            raise StateError(
                f"{type(self.module).__name__} is no network of the registry, so a base of it "
                "cannot be stored: enter its class with @network('name') and make it by "
                "networks.make('name', ...).")
        return found

    @property
    def sha256(self) -> str:
        """Checksum of its weights."""
        return fingerprint(self.module)

    def save(self, path: str | os.PathLike[str]) -> None:
        """One safetensors file: weights, and how to make the module of them again."""
        Path(path).write_bytes(self.to_bytes())

    def to_bytes(self) -> bytes:
        """What `save` writes."""
        words = {"made_of": self.made_of, "name": self.name, "tokenizer": self.tokenizer,
                 "length": self.length,
                 "picture": None if self.picture is None else self.picture.to_dict()}
        kept = {name: value.detach().cpu().contiguous().clone()
                for name, value in self.module.state_dict().items()}
        save = need("safetensors.torch", extra="deep", user="saving a base").save
        return bytes(save(kept, metadata={_KEY: json.dumps(words)}))


def from_bytes(stored: bytes, where: str = "the base") -> Base:
    """What `Base.to_bytes` gave; StateError for anything else."""
    words = _words(stored, where)
    module = _made(words["made_of"], stored, where)
    picture, length = words.get("picture"), words.get("length")
    module, picture = _inner(module, picture)
    return Base(module.eval(), None if picture is None else Picture.of(picture),
                words.get("tokenizer"), length if isinstance(length, int) else None,
                str(words.get("name", "")), where)


def of_state(config: Mapping[str, Any], stored: bytes, name: str = "") -> Base:
    """The base in the state of a fitted network: its `made_of` and its weights."""
    made_of = config.get("made_of")
    if not isinstance(made_of, dict):
        raise StateError(f"{name or 'this state'} does not say what network it is of.")
    module = _made(made_of, stored, name)
    module, picture = _inner(module, config.get("picture"))
    return Base(module.eval(), None if picture is None else Picture.of(picture), name=name)


def _inner(module: nn.Module, picture: Any) -> tuple[nn.Module, Any]:
    """Of a network that was itself made on a base: that base, as it was taught since."""
    made_of = getattr(module, "made_of", {})
    if made_of.get("network") != "pretrained":
        return module, picture
    found = networks.make(**made_of["base"])
    found.load_state_dict({**found.state_dict(), **module.body.whole.state_dict()})
    return found, made_of.get("picture")


def _words(stored: bytes, where: str) -> dict[str, Any]:
    """The JSON in the head of a safetensors file."""
    size = int.from_bytes(stored[:8], "little")
    try:
        if not 2 <= size <= min(_MOST_WORDS * 16, len(stored) - 8):
            raise ValueError("its head is cut off")
        words = json.loads(json.loads(stored[8:8 + size])["__metadata__"][_KEY])
        if not isinstance(words["made_of"], dict):
            raise TypeError("made_of is no object")
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise StateError(f"{where} does not say what network its weights are of ({error!r}); "
                         "Base.save writes that.") from error
    return dict(words)


def _made(made_of: dict[str, Any], stored: bytes, where: str) -> nn.Module:
    """The module with its weights; StateError that names the file where they do not fit."""
    try:
        return rebuilt(made_of, stored)
    except StateError as error:
        raise StateError(f"{where} states a network that cannot be made: {error}") from error
