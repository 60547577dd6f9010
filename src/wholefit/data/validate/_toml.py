"""TOML to be read and edited: short lines, plain keys, long lists broken."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_WIDE = 100


def value(given: Any) -> str:
    """One value as TOML."""
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, float):
        if not math.isfinite(given):
            return "nan" if given != given else ("inf" if given > 0 else "-inf")
        return repr(given) if given != round(given) or abs(given) >= 1e15 else f"{given:.1f}"
    if isinstance(given, int):
        return str(given)
    if isinstance(given, (list, tuple)):
        return _list([value(each) for each in given])
    return _text(str(given))


def key(name: str) -> str:
    """A name as a key: quoted unless it is plain."""
    return name if _BARE.fullmatch(name) else _text(name)


def lines(header: str, facts: Iterable[tuple[str, Any]]) -> str:
    """A table: its header and a line for each fact."""
    return "\n".join([header, *(f"{key(name)} = {value(given)}" for name, given in facts), ""])


def _text(given: str) -> str:
    """A pattern keeps its backslashes in single quotes; all else in double ones."""
    if "\\" in given and "'" not in given and given.isprintable():
        return f"'{given}'"
    # JSON's escapes are TOML's too, but for the one control that JSON leaves as it is.
    return json.dumps(given, ensure_ascii=False).replace("\x7f", "\\u007f")


def _list(items: list[str]) -> str:
    one = f"[{', '.join(items)}]"
    if len(one) <= _WIDE:
        return one
    lines, line = [], ""
    for item in items:
        if line and len(line) + len(item) + 2 > _WIDE - 4:
            lines.append(line)
            line = ""
        line += item + ", "
    lines.append(line)
    return "[\n" + "\n".join("    " + each.rstrip() for each in lines) + "\n]"
