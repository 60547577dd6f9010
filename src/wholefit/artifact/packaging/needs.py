"""Which packages an image must hold to answer one model: no extra that another model needs.

They begin with what the kinds of the model's states name. A trial then answers a row in a process
that sees these packages alone: what it misses is added, and it is tried again. So the list is
what was found to be enough, not what somebody thought would be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wholefit.artifact.dependencies import _markers
from wholefit.artifact.dependencies._pep440 import public
from wholefit.artifact.dependencies.installed import (
    Distribution,
    asked,
    closure,
    normal,
    providers,
    version,
)
from wholefit.artifact.read import Package
from wholefit.base.errors import StateError
from wholefit.base.state import State

# Kinds of states that answer with a library of their own.
_LIBRARIES = {
    "lightgbm": ("lightgbm",), "xgboost": ("xgboost-cpu", "xgboost"), "catboost": ("catboost",),
    "network": ("torch", "safetensors"), "keras": ("keras", "tensorflow-cpu", "tensorflow"),
    "generator.gan": ("torch", "safetensors"), "generator.vae": ("torch", "safetensors"),
    "generator.rbm": ("torch", "safetensors"), "language_model": ("torch", "safetensors"),
}
# Libraries that ask something of the operating system which slim images lack.
_SYSTEM = {"lightgbm": "libgomp1"}
_MOST_TRIALS = 8


@dataclass(frozen=True)
class Trial:
    """One try at answering a row with some packages alone.

    `missing` is a top-level module that could not be imported; `peak` bytes of memory at the most,
    None where that cannot be told; `answered` False where there was no row to ask; `why` says
    what else went wrong.
    """

    answered: bool
    missing: str = ""
    peak: int | None = None
    seconds: float = 0.0
    why: str = ""


@dataclass(frozen=True)
class Needs:
    """The packages, and what the last trial with them alone found.

    `unpinned` are packages that the image needs and that are not installed here, so that no
    version of theirs is known to answer.
    """

    packages: dict[str, Distribution]
    unpinned: tuple[str, ...]
    trial: Trial

    @property
    def system(self) -> tuple[str, ...]:
        """Packages of Debian that the libraries need."""
        return tuple(sorted({_SYSTEM[name] for name in self.packages if name in _SYSTEM}))

    def requirements(self, hashes: Mapping[str, tuple[str, ...]] | None = None) -> str:
        """requirements.txt: each package at its version, with hashes where they are known."""
        lines = ["# The packages that this model was found to answer with, at these versions."]
        for name, one in self.packages.items():
            if name != "wholefit":
                said = [f"{name}=={public(one.version)}",
                        *(f"--hash=sha256:{each}" for each in (hashes or {}).get(name, ()))]
                lines.append(" \\\n    ".join(said))
        lines += [f"# not installed where this was written, so at no version known to answer:\n"
                  f"{name}" for name in self.unpinned]
        return "\n".join(lines) + "\n"


def find(
    package: Package, python: str, trial: Callable[[set[str]], Trial],
    columns: Mapping[str, Any] | None = None,
) -> Needs:
    """The packages that answer the model under CPython `python` on Linux.

    `trial(modules)` answers a row in a process that can import those top-level modules alone.
    Raises StateError where no set of installed packages answers.
    """
    environment = _markers.linux(python)
    roots = ["wholefit[serve]", *_named(package, columns or {})]
    brings = providers()
    for _ in range(_MOST_TRIALS):
        packages = closure(roots, environment=environment)
        # The trial runs here, so it may use what only this system needs.
        seen = closure(roots) | packages
        found = trial({module for module, names in brings.items()
                       if any(name in seen for name in names)})
        extra = brings.get(found.missing, [])
        if not found.missing or not extra or normal(extra[0]) in packages:
            break
        roots.append(extra[0])
    if found.missing:
        raise StateError(f"the model cannot be answered here: {found.missing} is not installed; "
                         "install what `wholefit doctor` says, then package.")
    unpinned = sorted({need for one in packages.values() for need in one.missing})
    return Needs(packages, tuple(unpinned), found)


def kinds(package: Package) -> set[str]:
    """Every kind of state in a model file, however deep."""
    return {state.kind for each in package.states.values() for state in _deep(each)}


def _deep(state: State) -> Iterator[State]:
    yield state
    for part in state.parts.values():
        yield from _deep(part)


def _named(package: Package, columns: Mapping[str, Any]) -> list[str]:
    found = []
    for kind in sorted(kinds(package) & set(_LIBRARIES)):
        installed = [name for name in _LIBRARIES[kind] if version(name) is not None]
        # xgboost-cpu and xgboost are the same module: one of them is enough.
        found += installed[:1] if kind in ("xgboost", "keras") else installed
        if kind == "keras":
            found += [name for name in _LIBRARIES[kind][1:] if version(name) is not None][:1]
    if "image" in columns.values():
        found += [one.name for one in asked("wholefit", ["images"], _markers.here())
                  if one.name == "pillow" and version("pillow") is not None]
    return list(dict.fromkeys(found))
