"""Python with numpy alone: one .pyz file that holds the model and all that is needed to answer.

    python m.pyz rows.csv > answers.csv
    sys.path.insert(0, "m.pyz"); import wholefit_scorer
    wholefit_scorer.load().predict([{"age": 35, ...}])

The file is an ordinary zip: `model.wf` and the modules of this package that read and run it.
"""

from __future__ import annotations

import importlib
import re
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from wholefit import artifact
from wholefit.artifact.exports._compile import plain, plain_blend
from wholefit.artifact.exports._of_subject import program_of, refused, template
from wholefit.artifact.exports._subject import Subject
from wholefit.base.errors import ArtifactError
from wholefit.base.state import State
from wholefit.base.wording import first_line

NAME, EXTENSION = "numpy", ".pyz"
SAID = "one .pyz file that Python and numpy answer from: no polars, no scikit-learn"
TOLERANCE = 1e-6

PACKAGE = "wholefit_scorer"
_TIME = (1980, 1, 1, 0, 0, 0)
_ROOT = Path(artifact.__file__).parents[1]
# what the runtime is made of: these modules import numpy and the standard library alone
_MODULES = (
    "_version", "artifact._format", "artifact._json", "artifact._members", "artifact._zip",
    "artifact.exports._boosters", "artifact.exports._compile",
    "artifact.exports._lower_catboost", "artifact.exports._lower_columns",
    "artifact.exports._lower_model", "artifact.exports._lower_network",
    "artifact.exports._lower_trees", "artifact.exports._numpy_models",
    "artifact.exports._numpy_ops", "artifact.exports._numpy_run", "artifact.exports._program",
    "artifact.exports._sound", "artifact.exports._ubjson", "artifact.read", "base.errors",
    "base.state", "base.wording",
    "features._polynomial", "models._kernels._safetensors")
_IMPORT = re.compile(r"^(\s*)from wholefit\b", re.MULTILINE)


def write(fitted: Subject, path: Path) -> None:
    """Write the file."""
    program_of(fitted, NAME)
    with refused(NAME), zipfile.ZipFile(path, "w") as archive:
        for name, text in sorted(_sources().items()):
            _put(archive, name, text.encode(), zipfile.ZIP_DEFLATED)
        _put(archive, "model.wf", artifact.to_bytes(_record(fitted), _states(fitted)),
             zipfile.ZIP_STORED)


def open(path: Path) -> Scorer:
    """What answers from the file, by the modules within it."""
    return Scorer(Path(path))


class Scorer:
    """Answers by the modules in a .pyz file; `scorer` is what they give users."""

    def __init__(self, path: Path) -> None:
        self.scorer = _loaded(path)

    def answer(self, frame: Any) -> np.ndarray:
        """Probabilities (n, classes) or numbers (n,) for a polars frame of conforming rows."""
        return np.asarray(self.scorer.answer(_columns(frame)))

    def labels(self, frame: Any) -> np.ndarray | None:
        """Codes (n,) of the labels that it decides for."""
        return np.asarray(self.scorer.codes(self.answer(frame)))


def _columns(frame: Any) -> dict[str, list[Any]]:
    return {name: frame[name].to_list() for name in frame.columns}


def _loaded(path: Path) -> Any:
    """The scorer of a file, imported under its own name and then forgotten again."""
    before = {name: module for name, module in sys.modules.items() if _is_ours(name)}
    for name in before:
        del sys.modules[name]
    sys.path.insert(0, str(path))
    importlib.invalidate_caches()
    try:
        return importlib.import_module(PACKAGE).load()
    except Exception as error:  # what lies in the file has error classes of its own
        raise ArtifactError(f"{path.name} cannot be read as a .pyz file of wholefit "
                            f"({type(error).__name__}: {first_line(error)}).") from error
    finally:
        sys.path.remove(str(path))
        for name in [name for name in sys.modules if _is_ours(name)]:
            del sys.modules[name]
        sys.modules.update(before)


def _is_ours(name: str) -> bool:
    return name == PACKAGE or name.startswith(f"{PACKAGE}.")


def _sources() -> dict[str, str]:
    """Path within the file to text, the package renamed so that it never hides wholefit."""
    found = {}
    for module in _MODULES:
        path = module.replace(".", "/") + ".py"
        text = (_ROOT / path).read_text(encoding="utf-8")
        found[f"{PACKAGE}/{path}"] = _IMPORT.sub(rf"\1from {PACKAGE}", text)
        for depth in range(1, module.count(".") + 1):
            folder = "/".join(module.split(".")[:depth])
            found.setdefault(f"{PACKAGE}/{folder}/__init__.py", "")
    found[f"{PACKAGE}/__init__.py"] = template("scorer.txt")
    found["__main__.py"] = f"from {PACKAGE} import main\n\nmain()\n"
    return found


def _record(fitted: Subject) -> dict[str, Any]:
    """The part of an artifact's record that answering needs."""
    return {"task": fitted.task.name, "schema": fitted.schema.to_json(),
            "codec": {} if fitted.codec is None else fitted.codec.to_json(),
            "decision": None if fitted.decision is None else fitted.decision.to_json()}


def _states(fitted: Subject) -> dict[str, State]:
    """The artifact's states, boosters of other libraries as plain trees."""
    if fitted.encoder is None:
        return {"model": plain_blend(fitted.model)}
    encoder = fitted.encoder.state()
    return {"model": plain(fitted.model, encoder), "encoder": encoder}


def _put(archive: zipfile.ZipFile, name: str, data: bytes, how: int) -> None:
    info = zipfile.ZipInfo(name, _TIME)
    info.external_attr = 0o100644 << 16
    info.compress_type = how
    archive.writestr(info, data)
