"""A wheel of the wholefit that runs here, so that an image holds what answered here.

wholefit is plain Python: its wheel is a zip of its files and three texts about them (the binary
distribution format of the Python Packaging Authority). Equal files give equal bytes.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import io
import zipfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import wholefit
from wholefit._version import __version__
from wholefit.base.errors import StateError

_TIME = (1980, 1, 1, 0, 0, 0)
_KIND = ("Wheel-Version: 1.0\nGenerator: wholefit\nRoot-Is-Purelib: true\n"
         "Tag: py3-none-any\n")


def name() -> str:
    """The file name of the wheel of the running version."""
    return f"wholefit-{__version__}-py3-none-any.whl"


@cache
def build() -> bytes:
    """The wheel. Raises StateError where wholefit runs without having been installed."""
    return packed({f"wholefit/{path}": data for path, data in _sources().items()}, _about())


def packed(files: Mapping[str, bytes], about: Mapping[str, str]) -> bytes:
    """A wheel of these files, and of what is said about them; the same for the same."""
    info = f"wholefit-{__version__}.dist-info"
    files = {**files, **{f"{info}/{file}": text.encode() for file, text in about.items()}}
    record = "".join(f"{path},sha256={_digest(data)},{len(data)}\n"
                     for path, data in sorted(files.items()))
    files = {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n".encode()}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in sorted(files.items()):
            entry = zipfile.ZipInfo(path, _TIME)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, data)
    return out.getvalue()


def _sources() -> dict[str, bytes]:
    """Every file of the package; neither caches nor hidden files."""
    root = Path(wholefit.__file__).parent
    found = {}
    for path in sorted(root.rglob("*")):
        inside = path.relative_to(root).parts
        if path.is_file() and not any(part.startswith(".") or part == "__pycache__"
                                      for part in inside):
            found["/".join(inside)] = path.read_bytes()
    return found


def _about() -> dict[str, str]:
    try:
        installed = importlib.metadata.distribution("wholefit")
    except importlib.metadata.PackageNotFoundError as error:
        raise StateError("wholefit runs from a folder without having been installed, so that "
                         "nobody knows what it needs: install it (pip install -e .), then "
                         "package.") from error
    metadata = installed.read_text("METADATA") or ""
    # An editable installation may remember the version before this one.
    lines = [f"Version: {__version__}" if line.startswith("Version: ") else line
             for line in metadata.splitlines()]
    return {"METADATA": "\n".join(lines) + "\n", "WHEEL": _KIND,
            "entry_points.txt": installed.read_text("entry_points.txt") or ""}


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
