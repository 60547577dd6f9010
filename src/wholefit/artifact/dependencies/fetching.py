"""The database of PyPI's vulnerabilities, downloaded when it is asked for, and kept for a day."""

from __future__ import annotations

import contextlib
import http.client
import os
import secrets
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

from wholefit.base.errors import DataError

ADDRESS = "https://osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip"
_LARGEST = 512 * 2**20
_DAY = 24 * 3600.0
_PIECE = 2**20


def database(folder: str | Path | None = None, *, address: str = ADDRESS,
             seconds: float = 30.0) -> Path:
    """The path of the zip; one of today that is there already is not downloaded again.

    Raises DataError, with what to do, where there is no network.
    """
    place = Path(folder) if folder is not None else _cache()
    kept = place / "osv-pypi.zip"
    if kept.is_file() and time.time() - kept.stat().st_mtime < _DAY:
        return kept
    partly = kept.with_suffix(f".{secrets.token_hex(4)}.part")
    try:
        place.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(address, timeout=seconds) as answer, open(partly, "wb") as out:
            size = 0
            while piece := answer.read(_PIECE):
                size += len(piece)
                if size > _LARGEST:
                    raise DataError(f"the database at {address} is larger than "
                                    f"{_LARGEST // 2**20} MB; it was not kept.")
                out.write(piece)
        if not zipfile.is_zipfile(partly):
            raise DataError(f"{address} gave no whole zip; it was not kept: try again.")
        os.replace(partly, kept)
    except DataError:
        raise
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise DataError(f"the database of vulnerabilities could not be downloaded ({reason}): "
                        f"download {address} where there is a network, and name the file with "
                        "database= (--database).") from error
    finally:
        with contextlib.suppress(OSError):
            partly.unlink()
    return kept


def _cache() -> Path:
    return Path(os.environ.get("WHOLEFIT_CACHE") or "~/.cache/wholefit").expanduser()
