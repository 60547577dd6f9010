"""Forms: multipart (files and fields) and the kind that is written like an address."""

from __future__ import annotations

from email.message import Message
from typing import Any
from urllib.parse import parse_qsl

from wholefit.serving._model import Row
from wholefit.serving.problems import Refused

_PARTS = 1_000
_HEADER = 4_096


def multipart(body: bytes, header: str) -> list[Row]:
    """Rows of a multipart/form-data body: a part's name is its column.

    Files are bytes, other parts text. A name that comes several times makes several rows; a name
    that comes once then holds for all of them.
    """
    found: dict[str, list[Any]] = {}
    for part in _parts(body, _boundary(header)):
        name, value = _field(part)
        found.setdefault(name, []).append(value)
    return _spread(found)


def urlencoded(body: bytes) -> list[Row]:
    """Rows of an application/x-www-form-urlencoded body."""
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=10 * _PARTS,
                          errors="strict")
    except ValueError:
        raise Refused(400, "the form must be name=value&name=value in UTF-8.") from None
    found: dict[str, list[Any]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return _spread(found)


def _spread(found: dict[str, list[Any]]) -> list[Row]:
    if not found:
        raise Refused(400, "the form is empty: it must hold a field for each column.")
    rows = max(map(len, found.values()))
    odd = [name for name, values in found.items() if len(values) not in (1, rows)]
    if odd:
        raise Refused(400, f"field {odd[0][:80]!r} must come once or {rows} times, as others do; "
                      f"got it {len(found[odd[0]])} times.")
    return [{name: values[at if len(values) > 1 else 0] for name, values in found.items()}
            for at in range(rows)]


def _boundary(header: str) -> bytes:
    message = Message()
    message["content-type"] = header
    found = message.get_param("boundary")
    if not isinstance(found, str) or not 0 < len(found) <= 70:
        raise Refused(400, "a multipart body needs the boundary in its Content-Type.")
    return found.encode("latin-1", "replace")


def _parts(body: bytes, boundary: bytes) -> list[bytes]:
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary, _PARTS + 2)
    if len(pieces) < 3 or not pieces[-1].startswith(b"--"):
        raise Refused(400, "the multipart body is not whole: its parts must lie between the "
                      f"boundaries, {_PARTS:,} of them at most, and the last must be closed.")
    return pieces[1:-1]


def _field(part: bytes) -> tuple[str, Any]:
    head, blank, value = part.partition(b"\r\n\r\n")
    if not blank or len(head) > _HEADER:
        raise Refused(400, "a part of the multipart body has no headers, or too many.")
    name, file = None, None
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-disposition:"):
            message = Message()
            message["content-disposition"] = line.partition(b":")[2].strip().decode(
                "utf-8", "replace")
            name = message.get_param("name", header="content-disposition")
            file = message.get_param("filename", header="content-disposition")
    if not isinstance(name, str) or not name:
        raise Refused(400, "each part of the multipart body must have a name: its column.")
    if file is not None:
        return name, value
    try:
        return name, value.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(400, f"field {name[:80]!r} must be UTF-8 text; send bytes as a file."
                      ) from None
