"""Many pictures at once: threads decode them, and a folder may keep what was decoded."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from wholefit.base.cores import cores
from wholefit.base.errors import DataError
from wholefit.base.events import emit
from wholefit.base.optional import need
from wholefit.data.images import cells
from wholefit.data.images.decode import LIMIT, MOST_BYTES, MOST_IN_ALL, Bad, decode

_MOST_THREADS, _TELL = 8, 500
Found = bytes | Bad | None


def decode_all(
    sources: Sequence[Any], limit: int = LIMIT, cache: str | os.PathLike[str] | None = None,
) -> list[Found]:
    """The cell of each source, or why there is none; None stays None.

    A source is the bytes of a picture, or the path of one. `cache` is a folder that keeps cells by
    the hash of what they were decoded from: a second reading then decodes nothing. Pillow decodes
    and resizes without Python's lock, so that threads are enough.
    """
    check_limit(limit)
    need("PIL.Image", extra="images", user="reading pictures")
    kept = None if cache is None else _folder(cache)
    one: Callable[[Any], Found] = lambda source: _one(source, limit, kept)  # noqa: E731
    threads = min(cores(), _MOST_THREADS)
    if threads == 1 or len(sources) < 2:
        return _gathered(map(one, sources), len(sources), limit)
    with ThreadPoolExecutor(threads) as pool:
        try:
            return _gathered(pool.map(one, sources), len(sources), limit)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # what is left need not be decoded
            raise


def _gathered(decoded: Iterable[Found], count: int, limit: int) -> list[Found]:
    """All of them, with a word now and then; DataError once they are more than may be held."""
    found: list[Found] = []
    held = 0
    for cell in decoded:
        found.append(cell)
        held += len(cell) if isinstance(cell, bytes) else 0
        if held > MOST_IN_ALL:
            raise DataError(
                f"the first {len(found):,} of {count:,} pictures come to more than "
                f"{MOST_IN_ALL / 1e9:g} GB of pixels: give a smaller image_limit (it is {limit}), "
                "or fewer pictures.")
        if len(found) % _TELL == 0:
            emit("pictures_read", done=len(found), of=count)
    return found


def check_limit(limit: Any) -> None:
    """Refuse a longer side that is no whole number of 1 to 4096."""
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= 4096:
        raise DataError(f"image_limit must be a whole number of pixels, 1 to 4096; got {limit!r}.")


def _one(source: Any, limit: int, kept: Path | None) -> Found:
    if source is None:
        return None
    try:
        data = source if isinstance(source, bytes) else _bytes_of(source)
        if cells.is_cell(data):
            return data
        if kept is None:
            return cells.pack(decode(data, limit))
        return _through(kept, data, limit)
    except Bad as bad:
        return bad
    except OSError as error:
        return Bad(error.strerror or "cannot be read")


def _bytes_of(path: str | os.PathLike[str]) -> bytes:
    with open(path, "rb") as file:
        data = file.read(MOST_BYTES + 1)
    return data


def _through(kept: Path, data: bytes, limit: int) -> bytes:
    """The cell from the cache, where it is; what is kept is looked at before it is believed."""
    place = kept / f"{hashlib.sha256(data).hexdigest()}-{limit}.cell"
    with contextlib.suppress(OSError):
        found = place.read_bytes()
        if cells.is_cell(found):
            return found
    cell = cells.pack(decode(data, limit))
    with contextlib.suppress(OSError):  # a cache that cannot be written is only slower
        number, name = tempfile.mkstemp(dir=kept)
        with os.fdopen(number, "wb") as file:
            file.write(cell)
        os.replace(name, place)
    return cell


def _folder(cache: str | os.PathLike[str]) -> Path:
    place = Path(cache).expanduser()
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"image_cache must be a folder that can be written; {str(place)!r} "
                        f"cannot: {error.strerror}.") from error
    return place
