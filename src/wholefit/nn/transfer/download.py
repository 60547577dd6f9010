"""A file of weights from an address that the user gives, kept under its checksum.

    download("https://...", sha256="...")       # a path; fetched once, read from the cache after
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path
from typing import IO

from wholefit.base.errors import DataError
from wholefit.base.events import emit

_MOST, _CHUNK, _PATIENCE = 4 * 2**30, 2**20, 60.0


def download(address: str, *, sha256: str, cache: str | os.PathLike[str] | None = None) -> Path:
    """The file at `address`, whose checksum must be `sha256` (64 letters and digits).

    Kept in `cache` (by default the folder that WHOLEFIT_CACHE names, else ~/.cache/wholefit).
    Raises DataError for another checksum, an address that is not https or file, or no answer.
    """
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise DataError("download needs the file's sha256: 64 digits and letters a to f; got "
                        f"{sha256[:80]!r}. Whoever publishes weights states it beside them.")
    parts = urllib.parse.urlsplit(address)
    if parts.scheme not in ("https", "file"):
        raise DataError(f"weights are fetched from https or file addresses; got {address[:100]!r}.")
    root = Path(cache or os.environ.get("WHOLEFIT_CACHE") or "~/.cache/wholefit").expanduser()
    place = root / f"{sha256[:16]}-{re.sub('[^A-Za-z0-9._-]', '_', Path(parts.path).name)[-80:]}"
    if place.is_file() and _sum(place) == sha256:
        return place
    root.mkdir(parents=True, exist_ok=True)
    part = None
    try:
        with urllib.request.urlopen(address, timeout=_PATIENCE) as stream, \
                tempfile.NamedTemporaryFile(dir=root, suffix=".part", delete=False) as file:
            part = Path(file.name)
            _copy(stream, file)
        found = _sum(part)
        if found == sha256:
            os.replace(part, place)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise DataError(f"{address[:100]} could not be fetched: {error}.") from error
    finally:  # also when the user breaks it off
        if part is not None:
            part.unlink(missing_ok=True)
    if found != sha256:
        raise DataError(f"what {address[:100]} gave has checksum {found}, not {sha256}: it is not "
                        "the file that was meant, and is not kept.")
    return place


def _copy(stream: IO[bytes], file: IO[bytes]) -> None:
    done = 0
    while piece := stream.read(_CHUNK):
        done += len(piece)
        if done > _MOST:
            raise ValueError(f"it is larger than {_MOST / 2**30:.0f} GB")
        file.write(piece)
        emit("download", bytes=done)


def _sum(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
