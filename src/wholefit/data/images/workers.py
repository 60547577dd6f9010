"""Many pictures at once: threads decode them, and a folder may keep what was decoded."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from wholefit.base.cores import cores
from wholefit.base.errors import DataError
from wholefit.base.events import emit
from wholefit.base.optional import need
from wholefit.data.images import cells, keeping
from wholefit.data.images.decode import LIMIT, MOST_BYTES, Bad, decode

_MOST_THREADS, _TELL, _AHEAD = 8, 500, 256
Found = keeping.Found


def decode_all(
    sources: Sequence[Any], limit: int = LIMIT, cache: str | os.PathLike[str] | None = None,
) -> list[Found]:
    """The cell of each source, or why there is none; None stays None.

    A source is the bytes of a picture, or the path of one. `cache` is a folder that keeps cells by
    the hash of what they were decoded from: a second reading then decodes nothing. Where they come
    to more than memory should hold (`base.spool.most_held`), the cells lead to a temporary file;
    DataError where the disk has no room for it. Pillow decodes and resizes without Python's lock,
    so that threads are enough.
    """
    check_limit(limit)
    need("PIL.Image", extra="images", user="reading pictures")
    kept = None if cache is None else _folder(cache)
    one: Callable[[Any], Found] = lambda source: _one(source, limit, kept)  # noqa: E731
    threads = min(cores(), _MOST_THREADS)
    if threads == 1 or len(sources) < 2:
        return _gathered(map(one, sources), len(sources))
    with ThreadPoolExecutor(threads) as pool:
        try:
            return _gathered(_ahead(pool, one, sources), len(sources))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # what is left need not be decoded
            raise


def _ahead(
    pool: ThreadPoolExecutor, one: Callable[[Any], Found], sources: Sequence[Any]
) -> Iterator[Found]:
    """Each decoded, in order, never many more than were asked for: they would be held."""
    coming: deque[Future[Found]] = deque()
    for source in sources:
        coming.append(pool.submit(one, source))
        if len(coming) > _AHEAD:
            yield coming.popleft().result()
    while coming:
        yield coming.popleft().result()


def _gathered(decoded: Iterable[Found], count: int) -> list[Found]:
    """All of them, with a word now and then; in a file where they are too many for memory."""
    gathering = keeping.Gathering(count)
    try:
        for done, cell in enumerate(decoded, 1):
            gathering.add(cell)
            if done % _TELL == 0:
                emit("pictures_read", done=done, of=count)
    except BaseException:
        gathering.drop()
        raise
    return gathering.done()


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
