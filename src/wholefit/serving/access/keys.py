"""API keys: made, kept as hashes, rotated, revoked.

A key is shown once, when it is made: `wf_<id>_<secret>`, the secret 32 random bytes. The file keeps
the SHA-256 of the secret. A slow hash would protect passwords, which people choose; 256 random bits
cannot be guessed, and a request must not wait for one.

    {"wholefit": "keys", "format": 1, "keys": [
        {"id": "k3wq7zr2ma", "name": "shop", "sha256": "...", "scopes": ["predict", "feedback"],
         "created": "2031-05-01T12:00:00+00:00", "expires": null, "revoked": null,
         "rate": 100.0, "burst": 200}]}

A server reads the file again when it changes: keys come and go without a restart.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import math
import os
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from wholefit.base.errors import AccessError, ParameterError, unknown
from wholefit.base.stored import typed

FORMAT = 1
SCOPES = {
    "predict": "ask models for answers and reasons",
    "read": "see what models are and how they fare: facts, schemas, metrics",
    "feedback": "tell what became true",
    "admin": "all of these, and change what is served",
}
"""What a key may be for. "predict:churn" is for one model only."""

_PREFIX = "wf"
_MOST_KEYS, _MOST_BYTES = 10_000, 16 * 2**20
_WAIT, _LOOK = 10.0, 0.05  # seconds for which another writer is waited for, and between looks
_NOBODY = hashlib.sha256(b"").digest()


@dataclass(frozen=True)
class Key:
    """What is known of a key: never the secret. Times are ISO 8601 with an offset.

    `rate` requests a second may come, `burst` at once; None for the server's own limits.
    """

    id: str
    name: str
    sha256: str
    scopes: tuple[str, ...]
    created: str
    expires: str | None = None
    revoked: str | None = None
    rate: float | None = None
    burst: int | None = None

    def state(self, now: float | None = None) -> str:
        """ "good", "expired" or "revoked"."""
        if self.revoked is not None:
            return "revoked"
        now = time.time() if now is None else now
        return "good" if self.expires is None or _seconds(self.expires) > now else "expired"

    def may(self, scope: str, model: str | None = None) -> bool:
        """Whether its scopes admit this; `model` None asks for all models at once."""
        if "admin" in self.scopes or scope in self.scopes:
            return True
        return model is not None and f"{scope}:{model}" in self.scopes


class KeyFile:
    """The keys of a file, read again when it changes; changes are made by one writer at a time."""

    def __init__(self, path: str | os.PathLike[str], *, look: float = 1.0) -> None:
        self.path, self._look = Path(path), look
        self._mark: tuple[int, ...] | None = None
        self._next = 0.0
        self._known: dict[str, tuple[bytes, Key, float]] = {}
        self.fault: str | None = None
        """Why the file could not be read again, when it changed last; the keys before hold on."""

    def find(self, token: str) -> tuple[Key | None, str]:
        """The key of a token and "good"; or why it is none: "unknown", "expired", "revoked".

        The key is given with "expired" and "revoked" too, for the record. Takes microseconds.
        """
        self._refresh()
        prefix, _, rest = token.partition("_")
        id, _, word = rest.partition("_")
        digest = hashlib.sha256(word.encode("utf-8", "surrogatepass")).digest()
        kept = self._known.get(id)
        # The same work for an id that is unknown: time must not tell which ids there are.
        same = hmac.compare_digest(digest, kept[0] if kept else _NOBODY)
        if kept is None or not same or prefix != _PREFIX:
            return None, "unknown"
        _, key, until = kept
        if key.revoked is not None:
            return key, "revoked"
        return key, "good" if time.time() < until else "expired"

    def listed(self) -> list[Key]:
        """Every key of the file as it is now, the oldest first. AccessError for a damaged file."""
        return list(_read(self.path)) if self.path.exists() else []

    def add(
        self, name: str, scopes: Sequence[str] = ("predict",), *, days: float | None = None,
        rate: float | None = None, burst: int | None = None,
    ) -> tuple[Key, str]:
        """Make a key: what is kept of it, and the key itself, which is shown only now.

        `name` is whose it is; it must be new. `days` until it expires, None for never.
        """
        made, token = _new(name, scopes, days, rate, burst)
        with self._writing() as keys:
            if any(key.name == made.name and key.state() == "good" for key in keys):
                raise AccessError(f"there is a key named {made.name!r} already; rotate it, revoke "
                                  "it, or choose another name.")
            keys.append(made)
        return made, token

    def rotate(self, name: str, *, overlap: float = 24 * 3600.0, days: float | None = None
               ) -> tuple[Key, str]:
        """A new key in place of one: the old one goes on for `overlap` seconds, then expires.

        `days` until the new one expires; without, as long as the old one had when it was made.
        """
        with self._writing() as keys:
            at = _place(keys, name, {"good"})
            old = keys[at]
            if days is None and old.expires is not None:
                days = (_seconds(old.expires) - _seconds(old.created)) / 86400
            made, token = _new(old.name, old.scopes, days, old.rate, old.burst)
            end = time.time() + _positive(overlap, "overlap", zero=True)
            if old.expires is None or _seconds(old.expires) > end:
                keys[at] = replace(old, expires=_iso(end))
            keys.append(made)
        return made, token

    def revoke(self, name: str) -> list[Key]:
        """End every key of this name or id, at once; those that were still good."""
        with self._writing() as keys:
            _place(keys, name, {"good", "expired", "revoked"})
            ended = []
            for at, key in enumerate(keys):
                if name in (key.name, key.id) and key.revoked is None:
                    keys[at] = replace(key, revoked=_iso(time.time()))
                    ended.append(keys[at])
        return ended

    def _refresh(self) -> None:
        """Read the file again if it changed; a file that cannot be read changes nothing."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + self._look
        try:
            found = os.stat(self.path)
            mark = (found.st_mtime_ns, found.st_size, found.st_ino)
            if mark == self._mark:
                return
            self._known = {key.id: (bytes.fromhex(key.sha256), key, _until(key))
                           for key in _read(self.path)}
            self._mark, self.fault = mark, None
        except (AccessError, OSError) as error:
            self.fault = str(error)
            if self._mark is None:
                raise AccessError(f"the keys cannot be read: {error}") from None

    @contextmanager
    def _writing(self) -> Iterator[list[Key]]:
        """The keys to be changed; written at the end of the block, in one step."""
        with _alone(self.path):
            keys = self.listed()
            yield keys
            if len(keys) > _MOST_KEYS:
                raise AccessError(f"a file holds at most {_MOST_KEYS:,} keys.")
            _write(self.path, keys)


def _new(
    name: str, scopes: Sequence[str], days: float | None, rate: float | None, burst: int | None
) -> tuple[Key, str]:
    name = " ".join(str(name).split())
    if not 0 < len(name) <= 100:
        raise ParameterError("a key needs the name of who uses it, of at most 100 letters.")
    if not scopes:
        raise ParameterError(f"a key needs a scope: {', '.join(SCOPES)}.")
    for scope in scopes:
        word, colon, model = scope.partition(":")
        if word not in SCOPES or (colon and (not model or word == "admin")):
            raise unknown("scope", scope, SCOPES)
    now = time.time()
    id = base64.b32encode(secrets.token_bytes(10)).decode("ascii").lower()[:12]
    word = secrets.token_urlsafe(32)
    made = Key(
        id, name, hashlib.sha256(word.encode("ascii")).hexdigest(), tuple(dict.fromkeys(scopes)),
        _iso(now), None if days is None else _iso(now + 86400 * _positive(days, "days")), None,
        None if rate is None else _positive(rate, "rate"),
        None if burst is None else int(_positive(burst, "burst")))
    return made, f"{_PREFIX}_{id}_{word}"


def _positive(value: float, what: str, zero: bool = False) -> float:
    if not math.isfinite(value) or value < 0 or (value == 0 and not zero) or value > 1e7:
        raise ParameterError(f"{what} must be a number > 0 and at most ten million; got {value!r}.")
    return float(value)


def _place(keys: Sequence[Key], name: str, states: set[str]) -> int:
    """Where the youngest key of a name or id stands; an error that names the nearest one."""
    found = [at for at, key in enumerate(keys)
             if name in (key.name, key.id) and key.state() in states]
    if not found:
        raise unknown("key", name, dict.fromkeys(
            key.name for key in keys if key.state() in states))
    return found[-1]


def _read(path: Path) -> tuple[Key, ...]:
    """The keys of a file, every field checked. AccessError."""
    try:
        with open(path, "rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise AccessError(f"the keys in {path} cannot be read: {error.strerror or error}.") \
            from None
    try:
        if len(data) > _MOST_BYTES:
            raise ValueError(f"it has over {_MOST_BYTES:,} bytes")
        found = json.loads(data)
        if found["wholefit"] != "keys" or found["format"] != FORMAT:
            raise ValueError("it is of another kind, or of a newer wholefit")
        keys = tuple(_key(entry) for entry in found["keys"])
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise AccessError(f"{path} is no file of keys, or damaged ({error}): put a copy of it "
                          "back; `wholefit keys add` makes one.") from None
    if len({key.id for key in keys}) != len(keys):
        raise AccessError(f"{path} is damaged: it has two keys of one id.")
    return keys


def _key(entry: Mapping[str, Any]) -> Key:
    key = typed(Key(**{**entry, "scopes": tuple(entry["scopes"])}))
    if len(bytes.fromhex(key.sha256)) != 32:
        raise ValueError("a hash must have 32 bytes")
    for at in (key.created, key.expires, key.revoked):
        if at is not None:
            _seconds(at)
    for number in (key.rate, key.burst):
        if number is not None and not (math.isfinite(number) and number > 0):
            raise ValueError("a limit must be a number > 0")
    return key


def _write(path: Path, keys: Sequence[Key]) -> None:
    """The whole file anew, beside it and then in its place; its owner alone may read it."""
    text = json.dumps({"wholefit": "keys", "format": FORMAT,
                       "keys": [asdict(key) for key in keys]}, indent=1)
    draft = path.with_name(f".{path.name[:80]}.{secrets.token_hex(6)}.tmp")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, os.path.realpath(path))
    except OSError as error:
        raise AccessError(f"{path} cannot be written: {error.strerror or error}.") from None
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One writer at a time, by a file that only one can make; the same on every system."""
    lock, until = Path(f"{path}.lock"), time.monotonic() + _WAIT
    while True:
        try:
            os.close(os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            break
        except FileExistsError:
            if time.monotonic() > until:
                raise AccessError(f"{path} is being changed by another process; if none is, one "
                                  f"was cut off: delete {lock} and try again.") from None
            time.sleep(_LOOK)
        except OSError as error:
            raise AccessError(f"{path} cannot be written: {error.strerror or error}.") from None
    try:
        yield
    finally:
        with suppress(OSError):
            lock.unlink()


def _until(key: Key) -> float:
    return math.inf if key.expires is None else _seconds(key.expires)


def _seconds(at: str) -> float:
    found = datetime.fromisoformat(at)
    if found.tzinfo is None:
        raise ValueError(f"a time needs an offset from UTC; got {at[:40]!r}")
    return found.timestamp()


def _iso(seconds: float) -> str:
    start = datetime(1970, 1, 1, tzinfo=UTC)
    return (start + timedelta(seconds=round(seconds))).isoformat()
