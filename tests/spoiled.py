"""Files damaged where it matters."""

from __future__ import annotations

import zipfile
from pathlib import Path


def spoil(path: Path) -> None:
    """Flip a bit in the middle of the largest member's data of a zip.

    A byte at a fixed share of the file may be a time in a member's header, which nobody reads.
    """
    with zipfile.ZipFile(path) as archive:
        largest = max(archive.infolist(), key=lambda info: info.compress_size)
    data = bytearray(path.read_bytes())
    named = int.from_bytes(data[largest.header_offset + 26:largest.header_offset + 28], "little")
    extra = int.from_bytes(data[largest.header_offset + 28:largest.header_offset + 30], "little")
    data[largest.header_offset + 30 + named + extra + largest.compress_size // 2] ^= 1
    path.write_bytes(bytes(data))
