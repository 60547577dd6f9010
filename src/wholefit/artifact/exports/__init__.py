"""A fitted model -> files that other runtimes answer from, each held against the model itself.

    from wholefit.artifact import exports
    found = exports.export(result, "onnx", "m.onnx", rows="held-out.csv")
    found.parity.most          # the largest difference on those rows
    exports.runner("m.onnx").answer(frame)

A target is a file in this folder. It has

    NAME, SAID       the word that asks for it, and what it gives, in one line
    EXTENSION        how its path ends; "" where it is a folder
    TOLERANCE        the largest difference allowed where the user states none
    NETWORKS         True where it holds networks alone; left out by others
    write(fitted, path, **options)      writes `path` whole; gives sentences worth telling, or None
    open(path)       a `Runner`: `answer(frame)` as `Fitted.answer` has it, from the file alone

and it raises ExportError for a model that it cannot write, with the reason. `fitted` is a
`Subject`. A frame given to a runner holds the feature columns as `wholefit.data.conforming` gives
them. Nothing else is edited to add a target: the folder is walked. Files whose names begin with
an underscore, and those without NAME, are no targets.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import pkgutil
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from wholefit._version import __version__
from wholefit.artifact.exports._subject import Subject, subject
from wholefit.artifact.exports.parity import Parity, Runner, check
from wholefit.base.errors import ExportError, ParameterError, unknown
from wholefit.base.events import emit

__all__ = ["Exported", "Parity", "Runner", "Subject", "export", "get", "named", "runner",
           "subject", "targets"]

MARK = "wholefit-export.json"
"""The file that an exported folder is known by: only such a folder is ever replaced."""
_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Exported:
    """What an export left: the file or folder, its bytes, the parity check, what else to know."""

    path: Path
    target: str
    size: int
    parity: Parity
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {**asdict(self), "path": str(self.path), "notes": list(self.notes)}

    def to_text(self) -> str:
        """In sentences: the file, its parity, what else to know."""
        first = f"{self.target}: {self.path} ({_size_said(self.size)})"
        return "\n".join([first, self.parity.to_text(), *self.notes])

    def __str__(self) -> str:
        return self.to_text()


@cache
def targets() -> dict[str, ModuleType]:
    """Every target by its NAME, in alphabetical order; none of their libraries is imported."""
    found = {}
    for module in pkgutil.iter_modules(__path__):
        if module.name.startswith("_"):
            continue
        loaded = importlib.import_module(f"{__name__}.{module.name}")
        if hasattr(loaded, "NAME"):
            found[loaded.NAME] = loaded
    return dict(sorted(found.items()))


def get(name: str) -> ModuleType:
    """The target of that name; a misspelt one gets the nearest right name."""
    known = targets()
    if name not in known:
        raise unknown("export target", name, known)
    return known[name]


def named(path: str | os.PathLike[str], to: str | None = None) -> ModuleType:
    """The target that is asked for by name, or else by how the path ends."""
    if to is not None:
        return get(to)
    ending = Path(path).suffix
    for target in targets().values():
        if ending and ending == target.EXTENSION:
            return target
    raise ParameterError(
        f"the path of an export must end as a target's does, or `to` must name one; got "
        f"{Path(path).name!r}: say to= one of {', '.join(targets())}.")


def export(
    given: Any, to: str | None, path: str | os.PathLike[str], rows: Any, *,
    tolerance: float | None = None, force: bool = False, most: int = 1000, made_up: bool = False,
    **options: Any,
) -> Exported:
    """Write a Result or a fitted model for another runtime, and check its answers.

    `rows` are real rows, anything that `wf.read` takes: at most `most` of them, evenly spread,
    are answered by both; `made_up` says that they are not real. `tolerance` is the largest
    difference of answers (probabilities, or numbers as a share of the largest). A file that
    disagrees is not left behind. `options` are the target's own. Raises ExportError for what the
    target cannot hold, and for a file that disagrees.
    """
    target, path = named(path, to), Path(path)
    fitted = subject(given)
    _check_options(target, options)
    dataset = fitted.asked(rows)
    allowed = getattr(target, "TOLERANCE", _TOLERANCE) if tolerance is None else tolerance
    if not allowed >= 0:
        raise ParameterError(f"tolerance must be >= 0; got {tolerance!r}.")
    with _beside(path, force) as made:
        notes = target.write(fitted, made, **options)
        parity = check(fitted, target.open(made), dataset, tolerance=allowed, most=most,
                       made_up=made_up)
        emit("parity", message=parity.to_text(), target=target.NAME, rows=parity.rows,
             most=parity.most, agreement=parity.agreement)
        if not parity.holds:
            raise ExportError(_disagrees(target.NAME, parity))
        if made.is_dir():
            (made / MARK).write_text(json.dumps({
                "target": target.NAME, "writer": f"wholefit {__version__}",
                "parity": parity.to_json()}), encoding="utf-8")
        size = _size(made)
    return Exported(path, target.NAME, size, parity, tuple(notes or ()))


def runner(path: str | os.PathLike[str], to: str | None = None) -> Runner:
    """What answers from an exported file; `to` names its target where its path does not tell."""
    return named(path, to).open(Path(path))


def _check_options(target: ModuleType, options: dict[str, Any]) -> None:
    known = list(inspect.signature(target.write).parameters)[2:]
    for name in options:
        if name not in known:
            if not known:
                raise ParameterError(f"the {target.NAME} export has no options; got {name!r}.")
            raise unknown(f"option of the {target.NAME} export", name, known)


@contextmanager
def _beside(path: Path, force: bool) -> Iterator[Path]:
    """A path of the same name in a folder beside `path`; it is moved there when all went well."""
    if path.exists() and not force:
        raise ExportError(f"{path} exists: choose another path, or say force=True (--force).")
    if path.is_dir() and any(path.iterdir()) and not (path / MARK).exists():
        raise ExportError(f"{path} is a folder that no export wrote: choose another path.")
    parent = path.absolute().parent
    folder = parent / f".{path.name}.{secrets.token_hex(4)}"
    try:
        folder.mkdir(parents=False)
    except OSError as error:
        raise ExportError(f"{path} cannot be written: {error.strerror or error}.") from error
    try:
        yield folder / path.name
        if path.is_dir():
            os.replace(path, folder / "before")
        os.replace(folder / path.name, path)
    except OSError as error:
        raise ExportError(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _size(path: Path) -> int:
    """Bytes of a file, or of all files of a folder."""
    files: Sequence[Path] = [path] if path.is_file() else sorted(path.rglob("*"))
    return sum(each.stat().st_size for each in files if each.is_file())


def _size_said(size: int) -> str:
    return f"{size:,} bytes" if size < 10_000 else f"{size / 1e6:,.2f} MB"


def _disagrees(name: str, parity: Parity) -> str:
    return (f"the {name} export must answer as the model does; {parity.to_text()}: no file was "
            "left. State a larger tolerance= if such a difference does no harm, or choose "
            "another target.")
