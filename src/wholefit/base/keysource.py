"""Where a secret comes from, said in words that hold none: environment, file, or a keyring.

    env:WHOLEFIT_KEY                   an environment variable
    file:/run/secrets/wholefit         a file (its last line break does not count)
    command:secret-tool lookup service wholefit      what a program prints: a keyring's, a vault's

A source may stand in a configuration, a log, or a process's arguments; the secret never does.

>>> import os
>>> os.environ["EXAMPLE_KEY"] = "open sesame"
>>> found = secret("env:EXAMPLE_KEY", what="the example")
>>> found
<Secret of env:EXAMPLE_KEY>
>>> found.reveal()
b'open sesame'
"""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from wholefit.base.errors import AccessError, unknown
from wholefit.base.events import emit

_KINDS = ("env", "file", "command")
_MOST = 64 * 1024  # bytes: a key or a file of keys, never a disk
_SECONDS = 30.0


@dataclass(frozen=True, repr=False)
class Secret:
    """Bytes that show themselves only when asked; `source` says where they came from."""

    source: str
    _bytes: bytes = field(compare=False)

    def reveal(self) -> bytes:
        """The secret itself."""
        return self._bytes

    def __repr__(self) -> str:
        return f"<Secret of {self.source}>"


def secret(source: str, *, what: str) -> Secret:
    """The secret that a source names; `what` is what it is for, in words of the person.

    A file that everybody on the machine may read is told of by an event "warning". Raises
    AccessError where there is nothing, or too much; never shows what was found.
    """
    kind, colon, place = source.partition(":")
    if not colon or not place.strip():
        raise AccessError(f"{what} must come from env:NAME, file:PATH or command:WORDS; got "
                          f"{_hidden(source)}. A key itself is never written there.")
    if kind not in _KINDS:
        raise unknown("source of a key", _hidden(kind), _KINDS)
    read = {"env": _variable, "file": _file, "command": _printed}[kind]
    found = read(place, what).removesuffix(b"\n").removesuffix(b"\r")
    if not found:
        raise AccessError(f"{what} is empty: {source} holds nothing.")
    if len(found) > _MOST:
        raise AccessError(f"{what} must be at most {_MOST:,} bytes; {source} holds more.")
    return Secret(source, found)


def _hidden(word: str) -> str:
    """A word for an error: what might be a key that was given in place of its source is not."""
    return repr(word) if len(word) <= 12 else f"{len(word)} letters"


def _variable(name: str, what: str) -> bytes:
    found = os.environ.get(name)
    if found is None:
        raise AccessError(f"{what} is missing: the environment variable {name} is not set.")
    return found.encode("utf-8", "surrogateescape")


def _file(path: str, what: str) -> bytes:
    place = Path(path).expanduser()
    try:
        mode = place.stat().st_mode
        if not stat.S_ISREG(mode):
            raise AccessError(f"{what} cannot be read: {place} is no file.")
        with open(place, "rb") as file:
            found = file.read(_MOST + 2)
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        raise AccessError(f"{what} cannot be read from the file {place}: {said}.") from None
    if os.name == "posix" and mode & stat.S_IROTH:
        emit("warning", message=f"{place} holds {what} and can be read by everybody on this "
                                f"machine: chmod 600 {place}.")
    return found


def _printed(words: str, what: str) -> bytes:
    try:
        argv = shlex.split(words, posix=os.name == "posix")
        done = subprocess.run(argv, capture_output=True, timeout=_SECONDS, check=False,
                              stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        raise AccessError(f"{what} did not come: {_program(words)} took over {_SECONDS:g} "
                          "seconds.") from None
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        raise AccessError(f"{what} did not come: {_program(words)} cannot be run ({said}).") \
            from None
    if done.returncode:
        raise AccessError(f"{what} did not come: {_program(words)} ended with code "
                          f"{done.returncode}.")
    return done.stdout


def _program(words: str) -> str:
    return repr(words.split()[0]) if words.split() else "the command"
