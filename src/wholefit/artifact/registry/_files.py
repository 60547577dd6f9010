"""Files named by the checksum of their bytes: never changed, whole or not there at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

from wholefit.base.errors import RegistryError

_CHUNK = 1 << 20
# A draft this old, in seconds, belongs to a process that is gone.
_STALE = 86_400
SIGNATURE = ".sig"


class Files:
    """The folder of model files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, digest: str) -> Path:
        """Where the file of that checksum lies, or would lie."""
        return self.folder / digest[:2] / f"{digest}.wf"

    def put(self, source: Path) -> tuple[str, int]:
        """Copy a file in; its checksum and size. Nothing is there until all of it is on the disk.

        A detached signature beside the source (its name and ".sig") comes along.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            draft = self.folder / f".{secrets.token_hex(8)}.tmp"
            try:
                digest, size = _copied(source, draft)
                self._place(draft, self.path(digest))
            finally:
                draft.unlink(missing_ok=True)
            self._sign(source, digest)
        except OSError as error:
            raise RegistryError(f"{source} cannot be copied into the registry: "
                                f"{error.strerror or error}.") from error
        return digest, size

    def digest(self, digest: str) -> str | None:
        """The checksum that the file of that name has in fact; None if it is not there."""
        try:
            return _digest(self.path(digest))
        except OSError:
            return None

    def drop(self, digest: str) -> None:
        """Delete a file and its signature; one that is in use elsewhere is left for later."""
        for path in (self.path(digest), _signature(self.path(digest))):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def strays(self, known: set[str]) -> Iterator[Path]:
        """Files that no row names, and drafts that nobody finishes any more."""
        for path in sorted(self.folder.rglob("*")):
            if path.name.endswith(".tmp"):
                with contextlib.suppress(OSError):
                    if time.time() - path.stat().st_mtime > _STALE:
                        yield path
            elif path.is_file() and path.name.partition(".")[0] not in known:
                yield path

    def _place(self, draft: Path, target: Path) -> None:
        """Move a whole draft to its name; what lies there already stays, unless it is damaged."""
        target.parent.mkdir(exist_ok=True)
        if not (target.exists() and _digest(target) == target.stem):
            os.replace(draft, target)
        _settle(target.parent)
        _settle(self.folder)

    def _sign(self, source: Path, digest: str) -> None:
        beside, target = _signature(source), _signature(self.path(digest))
        if not beside.is_file():
            return
        draft = self.folder / f".{secrets.token_hex(8)}.tmp"
        try:
            _copied(beside, draft)
            os.replace(draft, target)
            _settle(target.parent)
        finally:
            draft.unlink(missing_ok=True)


def _signature(path: Path) -> Path:
    return path.with_name(path.name + SIGNATURE)


def _copied(source: Path, draft: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with open(source, "rb") as given, open(draft, "xb") as file:
        while piece := given.read(_CHUNK):
            digest.update(piece)
            file.write(piece)
            size += len(piece)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest(), size


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _settle(folder: Path) -> None:
    """Bring a folder's entries to the disk; where a system cannot, its renames are safe as is."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
