"""Sealing: bytes and files that only the holder of a key can read, and nobody can alter unseen.

Bytes are sealed as Fernet tokens (AES-128 in CBC mode with an HMAC of SHA-256 and a random start;
https://github.com/fernet/spec). A file is sealed piece by piece, so that its size is no matter of
memory:

    b"WFSEALED\\x01"                         nine bytes
    4 bytes, big-endian: length of a piece   then the piece, a Fernet token with its base64 undone
    ...                                      which opens to:  16 bytes, of this file alone
                                                              8 bytes, big-endian: 0, 1, 2, ...
                                                              1 byte: 1 in the last piece, else 0
                                                              up to 1 MiB of the file

so that pieces cannot be left out, doubled, put in another order, or brought from another file.
Where several keys are stated the first one seals and each of them opens: add a new key in front,
seal anew what is to be kept, take the old one out.
"""

from __future__ import annotations

import base64
import binascii
import os
import struct
from collections.abc import Iterator, Sequence
from typing import IO, Any

from wholefit.base.errors import AccessError
from wholefit.base.keysource import Secret, secret
from wholefit.base.optional import need

MARK = b"WFSEALED\x01"
VARIABLE = "WHOLEFIT_KEY"
"""Environment variable: where the key comes from, as `env:NAME`, `file:PATH`, `command:WORDS`."""

_PIECE = 2**20
_MOST = _PIECE + 200  # a token is its text, padded to 16, and 57 bytes; the head takes 25
_HEAD = struct.Struct(">16sQB")
_USER = "sealing"


def new_key() -> bytes:
    """A new random key: 32 bytes in URL-safe base64, as Fernet wants it."""
    return base64.urlsafe_b64encode(os.urandom(32))


class Sealer:
    """Seals with the first of its keys, and opens with each; `seal` and `open` are bytes to bytes.

    >>> sealer = Sealer([new_key()])
    >>> sealer.open(sealer.seal(b"row 17"))
    b'row 17'
    """

    def __init__(self, keys: Sequence[bytes | Secret]) -> None:
        if not keys:
            raise AccessError("a key is needed to seal or to open; got none.")
        self._fernet = _fernet([key.reveal() if isinstance(key, Secret) else key for key in keys])

    def seal(self, data: bytes) -> bytes:
        """A token of ASCII letters that only a holder of the key can open."""
        return bytes(self._fernet.encrypt(data))

    def open(self, token: bytes) -> bytes:
        """The bytes in a token; AccessError where the key is another one, or the token altered."""
        try:
            return bytes(self._fernet.decrypt(token))
        except Exception as error:
            raise _closed("what was sealed", error) from None

    def seal_file(self, source: IO[bytes], target: IO[bytes]) -> int:
        """Seal all that `source` gives into `target`; how many bytes were read."""
        target.write(MARK)
        own, size, number = os.urandom(16), 0, 0
        piece = source.read(_PIECE)
        while True:
            after = source.read(_PIECE)
            token = self.seal(_HEAD.pack(own, number, not after) + piece)
            raw = base64.urlsafe_b64decode(token)
            target.write(len(raw).to_bytes(4, "big") + raw)
            size, number = size + len(piece), number + 1
            if not after:
                return size
            piece = after

    def open_file(self, source: IO[bytes], what: str = "the sealed file") -> Iterator[bytes]:
        """The pieces of a sealed file in order; use none of them before all have come.

        AccessError where the key is another one, or anything was altered, cut off or added.
        """
        if source.read(len(MARK)) != MARK:
            raise AccessError(f"{what} is not sealed, or by a newer wholefit.")
        own, number, last = b"", 0, False
        while not last:
            token = base64.urlsafe_b64encode(_piece(source, what))
            try:
                plain = bytes(self._fernet.decrypt(token))
            except Exception as error:
                raise _closed(what, error) from None
            if len(plain) < _HEAD.size:
                raise _damaged(what)
            file, at, end = _HEAD.unpack_from(plain)
            if at != number or end > 1 or (number and file != own):
                raise _damaged(what)
            own, number, last = file, number + 1, bool(end)
            yield plain[_HEAD.size:]
        if source.read(1):
            raise _damaged(what)

    def __repr__(self) -> str:
        return "<Sealer>"


def sealer(source: str | Sequence[str] | None = None, *, what: str = "the key of the seal"
           ) -> Sealer:
    """A sealer with the keys of these sources; without any, those of the variable WHOLEFIT_KEY.

    A source may hold several keys, one a line: the first seals. The variable holds a source, such
    as `file:/run/secrets/wholefit`, never a key.
    """
    if source is None:
        source = os.environ.get(VARIABLE, "").strip()
        if not source:
            raise AccessError(f"{what} is missing: name its source (key=, --key), or put one into "
                              f"the environment variable {VARIABLE}, such as file:PATH.")
    sources = [source] if isinstance(source, str) else list(source)
    keys = [line.strip() for each in sources
            for line in secret(each, what=what).reveal().splitlines() if line.strip()]
    return Sealer(keys)


def is_sealed(start: bytes) -> bool:
    """True for the first bytes of a sealed file."""
    return start[:len(MARK)] == MARK


def _fernet(keys: Sequence[bytes]) -> Any:
    module = need("cryptography.fernet", extra="secure", user=_USER)
    made = []
    for key in keys:
        try:
            if len(base64.b64decode(key, altchars=b"-_", validate=True)) != 32:
                raise ValueError
            made.append(module.Fernet(key))
        except (ValueError, binascii.Error, TypeError):
            raise AccessError("a key of the seal must be 32 random bytes in URL-safe base64 (44 "
                              "letters); `wholefit keys sealing FILE` makes one.") from None
    return module.MultiFernet(made)


def _piece(source: IO[bytes], what: str) -> bytes:
    """The next token of a sealed file, undone from base64."""
    length = int.from_bytes(head, "big") if len(head := source.read(4)) == 4 else 0
    if not 0 < length <= _MOST:
        raise _damaged(what)
    found = source.read(length)
    if len(found) != length:
        raise _damaged(what)
    return found


def _damaged(what: str) -> AccessError:
    return AccessError(f"{what} was altered, cut off or added to since it was sealed: copy it "
                       "again, or seal it anew.")


def _closed(what: str, error: Exception) -> AccessError:
    """The error for what no key opens; the cause is not kept, for it may hold what was tried."""
    if type(error).__name__ not in ("InvalidToken", "InvalidSignature", "TypeError"):
        return AccessError(f"{what} cannot be opened ({type(error).__name__}).")
    return AccessError(f"{what} cannot be opened: the key is another one, or it was altered since "
                       "it was sealed.")
