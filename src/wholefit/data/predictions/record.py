"""One answer of a model, as the log keeps it, and its cells as text."""

from __future__ import annotations

import base64
import binascii
import importlib
import json
import time as clock
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from wholefit.base.errors import DataError, ParameterError, WholefitError
from wholefit.base.optional import available
from wholefit.base.wording import plain

Cipher = Callable[[bytes], bytes]
LONGEST_ID = 200
_LONGEST_TRUTH = 10_000
# What a sealed cell begins with; no JSON text does.
_SEALED = "="


@dataclass(frozen=True, slots=True)
class Record:
    """One answer: who asked is in `id`, when in `time` (seconds since 1970, UTC).

    `row` is what was asked, empty where it shall not be kept; `answer` the columns of the answer;
    `confidence` the probability of the class that was said, None where there is none; `seconds`
    how long it took; `shadow` whether nobody was told the answer.
    """

    id: str
    time: float
    model: str
    version: str
    row: Mapping[str, Any] = field(default_factory=dict)
    answer: Mapping[str, Any] = field(default_factory=dict)
    confidence: float | None = None
    seconds: float = 0.0
    shadow: bool = False


def moment(given: Any) -> float:
    """Seconds since 1970 of a number, a datetime (UTC where it has no zone), or ISO 8601 text."""
    if isinstance(given, bool) or given is None:
        raise ParameterError(f"a time must be seconds since 1970, a datetime or ISO 8601 text; got "
                             f"{given!r}.")
    if isinstance(given, (int, float)):
        return float(given)
    if isinstance(given, str):
        try:
            given = datetime.fromisoformat(given)
        except ValueError as error:
            raise ParameterError(f"a time must look like 2026-01-31 or 2026-01-31T18:00; got "
                                 f"{given[:60]!r}.") from error
    if isinstance(given, date) and not isinstance(given, datetime):
        given = datetime(given.year, given.month, given.day)
    if not isinstance(given, datetime):
        raise ParameterError("a time must be seconds since 1970, a datetime or ISO 8601 text; got "
                             f"{type(given).__name__}.")
    return (given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp()


def now() -> float:
    """Seconds since 1970."""
    return clock.time()


def check_id(given: Any) -> str:
    """An identifier that a log can keep; ParameterError for any other."""
    if not isinstance(given, str) or not 0 < len(given) <= LONGEST_ID:
        got = f"{len(given):,} letters" if isinstance(given, str) else type(given).__name__
        raise ParameterError(f"the id of a prediction must be 1 to {LONGEST_ID} letters of text; "
                             f"got {got}.")
    try:
        given.encode()
    except UnicodeEncodeError:
        raise ParameterError("the id of a prediction must be text; got half of a surrogate "
                             "pair.") from None
    return given


def check_truth(given: Any) -> Any:
    """A truth that a log can keep: a number, a truth value, or not too long a text."""
    if isinstance(given, str) and len(given) <= _LONGEST_TRUTH:
        return given
    if isinstance(given, (bool, int)) or (isinstance(given, float) and given - given == 0):
        return given
    got = f"{len(given):,} letters" if isinstance(given, str) else repr(given)[:60]
    raise ParameterError("a truth must be a finite number, true, false, or a text of at most "
                         f"{_LONGEST_TRUTH:,} letters; got {got}.")


class Cells:
    """Values to text and back: JSON, sealed where a cipher was given."""

    def __init__(self, seal: Cipher | None = None, unseal: Cipher | None = None) -> None:
        self._seal, self._unseal = seal, unseal

    def put(self, value: Any) -> str:
        """A value as text."""
        written = _dumped(value)
        if self._seal is None:
            return written
        return _SEALED + base64.b64encode(self._seal(written.encode())).decode()

    def take(self, written: Any, what: str) -> Any:
        """A value back from text; DataError where it cannot be read. None stays None."""
        if written is None:
            return None
        if not isinstance(written, str):
            raise DataError(f"the log's {what} must be text; got {type(written).__name__}: it was "
                            "not written by wholefit.")
        if written.startswith(_SEALED):
            written = self._opened(written, what)
        try:
            return json.loads(written)
        except (ValueError, RecursionError) as error:
            raise DataError(f"the log's {what} is not JSON: it was altered, or not written by "
                            "wholefit.") from error

    def columns(self, written: Any, what: str) -> dict[str, Any]:
        """Columns back from text; DataError where it holds anything else."""
        found = self.take(written, what)
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise DataError(f"the log's {what} must be columns by name; got "
                            f"{type(found).__name__}: it was not written by wholefit.")
        return found

    def _opened(self, written: str, what: str) -> str:
        if self._unseal is None:
            raise DataError(f"the log's {what} is encrypted: give the key that it was written "
                            "with.")
        try:
            return self._unseal(base64.b64decode(written[1:], validate=True)).decode()
        except WholefitError:
            raise
        except (binascii.Error, UnicodeDecodeError, ValueError) as error:
            raise DataError(f"the log's {what} cannot be decrypted: it was altered, or the key is "
                            "another one.") from error
        except Exception as error:  # each cipher has its own error, which must not tell of keys
            raise DataError(f"the log's {what} cannot be decrypted "
                            f"({type(error).__name__}): is this the right key?") from None


def _dumped(value: Any) -> str:
    quick = _quick()
    if quick is not None:
        try:
            return str(quick.dumps(value, default=_plain, option=quick.OPT_NON_STR_KEYS), "utf-8")
        except TypeError:
            pass  # numbers beyond 64 bits, letters that are none
    try:
        made = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False,
                          default=_plain)
    except ValueError:
        made = json.dumps(plain(value), separators=(",", ":"), ensure_ascii=False, default=_plain)
    return made.encode("utf-8", "replace").decode()


@cache
def _quick() -> Any:
    """orjson where it is installed: a third of the time for each answer of a server."""
    return importlib.import_module("orjson") if available("orjson") else None


def _plain(value: Any) -> Any:
    """What JSON does not know: numpy's numbers as Python's, bytes by their number, else as text."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"<{len(value)} bytes>"
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
