"""Markers of requirements: which of them an environment asks for (the grammar of PEP 508).

>>> holds("python_version < '3.11' and extra == 'x'", {"python_version": "3.12"})
False
"""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Mapping

from wholefit.artifact.dependencies._pep440 import Key, key

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'[^']*'|\"[^\"]*\")|(?P<op>===|~=|==|!=|<=|>=|<|>|not\s+in\b|in\b)"
    r"|(?P<word>and\b|or\b)|(?P<bracket>[()])|(?P<name>[a-z_.]+))")
_LONGEST = 2000


def here() -> dict[str, str]:
    """What markers can ask of this interpreter and machine."""
    return {
        "python_version": ".".join(platform.python_version_tuple()[:2]),
        "python_full_version": platform.python_version(),
        "os_name": os.name, "sys_platform": sys.platform, "platform_system": platform.system(),
        "platform_machine": platform.machine(), "platform_release": platform.release(),
        "platform_version": platform.version(), "implementation_name": sys.implementation.name,
        "platform_python_implementation": platform.python_implementation(),
        "implementation_version": platform.python_version(), "extra": "",
    }


def linux(python: str, machine: str = "x86_64") -> dict[str, str]:
    """What markers are told inside an image of Linux with CPython `python` ("3.11.7")."""
    return {
        **here(), "python_version": ".".join(python.split(".")[:2]), "python_full_version": python,
        "implementation_version": python, "os_name": "posix", "sys_platform": "linux",
        "platform_system": "Linux", "platform_machine": machine, "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }


def holds(marker: str, environment: Mapping[str, str]) -> bool:
    """True if the environment fits the marker; a marker that cannot be read holds."""
    try:
        tokens = _tokens(marker)
        found = _either(tokens, environment)
        return found if not tokens else True
    except (ValueError, IndexError, KeyError):
        return True


def _tokens(marker: str) -> list[str]:
    if len(marker) > _LONGEST:
        raise ValueError("too long")
    found, at, marker = [], 0, marker.strip()
    while at < len(marker):
        token = _TOKEN.match(marker, at)
        if token is None:
            raise ValueError(marker)
        found.append(" ".join(token.group().split()))
        at = token.end()
    return found


def _either(tokens: list[str], environment: Mapping[str, str]) -> bool:
    found = _both(tokens, environment)
    while tokens and tokens[0] == "or":
        tokens.pop(0)
        found = _both(tokens, environment) or found
    return found


def _both(tokens: list[str], environment: Mapping[str, str]) -> bool:
    found = _one(tokens, environment)
    while tokens and tokens[0] == "and":
        tokens.pop(0)
        found = _one(tokens, environment) and found
    return found


def _one(tokens: list[str], environment: Mapping[str, str]) -> bool:
    if tokens[0] == "(":
        tokens.pop(0)
        found = _either(tokens, environment)
        if tokens.pop(0) != ")":
            raise ValueError("a bracket is open")
        return found
    left, op, right = tokens.pop(0), tokens.pop(0), tokens.pop(0)
    return _compare(_value(left, environment), op, _value(right, environment))


def _value(token: str, environment: Mapping[str, str]) -> str:
    return token[1:-1] if token[0] in "'\"" else environment[token]


def _compare(left: str, op: str, right: str) -> bool:
    if op == "in":
        return left in right
    if op == "not in":
        return left not in right
    a, b = key(left), key(right)
    if a is not None and right.endswith(".*") and op in ("==", "!="):
        return _begins(a, right[:-2]) == (op == "==")
    if a is None or b is None or op == "===":
        if op in ("==", "===", "!="):
            return (left == right) != (op == "!=")
        raise ValueError(op)
    if op == "~=":
        return a >= b and _begins(a, right.rpartition(".")[0])
    return {"==": a == b, "!=": a != b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[op]


def _begins(version: Key, start: str) -> bool:
    """True if a version's numbers begin so: 3.11.7 with 3.11, and with 3."""
    numbers = [int(part) for part in start.split(".")]
    release = [*version[1], *[0] * len(numbers)]
    return release[:len(numbers)] == numbers
