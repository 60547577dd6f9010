"""Where files may be written: looked at before the work, not after it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from wholefit.base.errors import WholefitError


def beside(source: str) -> Path:
    """The model file of a source, where the user names none."""
    stem = "" if source == "-" or "://" in source else Path(source).resolve().name.split(".")[0]
    return Path(f"{stem or 'model'}.wf")


def named_after(model: Path, ending: str) -> Path:
    """A file beside a model's, under its name with another ending."""
    if not model.name:
        raise WholefitError(f"{model} is a folder; give the name of a model file (.wf).")
    return model.with_name(f"{model.stem}{ending}")


def check_free(paths: Sequence[Path], source: str, force: bool) -> None:
    """Refuse to write over something, over the source, or where nothing can be written."""
    for path in paths:
        if str(path) == "-":
            raise WholefitError("a model or a report is a file, not lines of text: name it "
                                "instead of -.")
        if path.is_dir():
            raise WholefitError(f"{path} is a folder; give the name of a file in it.")
        if path.exists() and Path(source).exists() and path.samefile(source):
            raise WholefitError(f"{path} is the source itself; say another name.")
        if path.exists() and not force:
            raise WholefitError(f"{path} exists; say --force to overwrite it, or another name.")
        _check_folder(path)
    if len({path.resolve() for path in paths}) < len(paths):
        raise WholefitError(f"two results cannot both be written to {paths[0]}.")


def planned(source: str, out: Path | None, report: Path | None, force: bool) -> Path:
    """The model file of a fit, once it is certain that it and the report can be written."""
    saved = out or beside(source)
    check_free([saved, *([report] if report else [])], source, force)
    if report:
        check_report(report)
    return saved


def written(
    result: Any, saved: Path, reporting: Callable[..., Path], report: Path | None, force: bool
) -> tuple[dict[str, str], WholefitError | None]:
    """Write the files; what cannot be written is said after the result, not instead of it."""
    files: dict[str, str] = {}
    try:
        files["model"] = str(result.save(saved, force=force))
        if report:
            files["report"] = str(reporting(report, force=force))
    except WholefitError as error:
        return files, error
    return files, None


def check_report(path: Path) -> None:
    """Refuse a report whose ending names no kind, before anything is fitted for it."""
    from wholefit.report.writing import ending

    ending(path)


def _check_folder(path: Path) -> None:
    folder = path.absolute().parent
    if not folder.is_dir():
        raise WholefitError(f"the folder of {path} does not exist; make it, or say another.")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise WholefitError(f"nothing can be written in the folder of {path}: "
                            f"{error.strerror}; say another.") from error
