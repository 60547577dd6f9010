"""Alarms told elsewhere: to a command on its standard input, or to an address by POST.

What is told is one JSON value. Secrets belong into the environment of the command, not among its
words; of an address only the host is ever shown.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from wholefit.base.errors import DataError, ParameterError

_SECONDS = 30.0


def command(words: str | Sequence[str], told: Mapping[str, Any], seconds: float = _SECONDS) -> None:
    """Run a command, without a shell, with the JSON on its standard input.

    DataError where it cannot be run, ends with another code than 0, or takes longer.
    """
    try:
        asked = shlex.split(words) if isinstance(words, str) else list(words)
    except ValueError as error:
        raise ParameterError(f"a hook's command cannot be read: {error}.") from error
    if not asked:
        raise ParameterError("a hook's command must name a program; got none.")
    try:
        done = subprocess.run(asked, input=_text(told), capture_output=True, timeout=seconds,
                              check=False)
    except subprocess.TimeoutExpired:
        raise DataError(f"the hook {asked[0]!r} took longer than {seconds:g} seconds.") from None
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or type(error).__name__
        raise DataError(f"the hook {asked[0]!r} cannot be run: {said}.") from error
    if done.returncode:
        raise DataError(f"the hook {asked[0]!r} ended with code {done.returncode}.")


def check_address(address: str) -> str:
    """An address that a webhook may have, as it is; ParameterError for any other."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        raise ParameterError("a webhook must be an address such as https://host/path.")
    return address


def webhook(address: str, told: Mapping[str, Any], seconds: float = _SECONDS) -> None:
    """Send the JSON to an http(s) address by POST; DataError where it is not taken."""
    host = urlsplit(check_address(address)).hostname
    request = urllib.request.Request(
        address, data=_text(told), method="POST",
        headers={"Content-Type": "application/json", "User-Agent": "wholefit"})
    try:
        opener = urllib.request.build_opener(_Stay)
        with opener.open(request, timeout=seconds) as answer:
            answer.read(1024)
    except urllib.error.HTTPError as error:
        raise DataError(f"the webhook at {host} answered {error.code}.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        said = getattr(reason, "strerror", None) or type(reason).__name__
        raise DataError(f"the webhook at {host} cannot be reached: {said}.") from None


class _Stay(urllib.request.HTTPRedirectHandler):
    """What is told goes where it was sent, and nowhere else."""

    def redirect_request(self, *args: Any, **options: Any) -> None:
        """Follow no redirect: the answer is then an error that names its code."""


def _text(told: Mapping[str, Any]) -> bytes:
    return json.dumps(told, ensure_ascii=False, allow_nan=False, default=str).encode()
