"""Expectations as TOML: short lines, the words of the field, a comment where one helps."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wholefit.data.validate.expectations import ColumnRule, Expectations

_HEAD = """\
# What a table should be like. Edit freely: change a bound, delete a line, add a rule.
# `wholefit validate NEW --against THIS` holds new rows against it.
"""
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_WIDE = 100


def written(expected: Expectations) -> str:
    """The whole file."""
    parts = [_HEAD, _learnt(expected), _table(expected)]
    parts += [_column(name, rule) for name, rule in expected.columns.items()]
    if expected.rules:
        parts.append("# Rules across columns, and in how many rows each held. One of your own has "
                     "no rows:\n# every row must keep it.")
    parts += [_lines("[[rules]]", rule.to_json().items()) for rule in expected.rules]
    return "\n".join(parts)


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


def _learnt(expected: Expectations) -> str:
    facts = {"rows": expected.rows, "source": expected.source, "confidence": expected.confidence,
             "target": expected.target}
    comment = ("# Of how many rows this was learnt; what chance could explain among new rows is a "
               "warning,\n# not an error (rows = 0: every row must fit).\n")
    return comment + _lines("[learnt]", ((n, v) for n, v in facts.items() if v not in (None, "")))


def _table(expected: Expectations) -> str:
    facts: dict[str, Any] = {"min_rows": expected.min_rows}
    if expected.max_rows is not None:
        facts["max_rows"] = expected.max_rows
    facts["extra_columns"] = expected.extra_columns
    return _lines("[table]", facts.items())


def _column(name: str, rule: ColumnRule) -> str:
    plain = type(rule)()
    kept = [(field, given) for field, given in rule.to_dict().items()
            if given != getattr(plain, field) or field == "type"]
    return _lines(f"[columns.{key(name)}]", kept)


def _lines(header: str, facts: Iterable[tuple[str, Any]]) -> str:
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
