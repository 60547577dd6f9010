"""Recipes as files: TOML to be read and edited by a person, JSON by a program."""

from __future__ import annotations

import json
import math
import tomllib
from pathlib import Path
from typing import Any

from wholefit.base.errors import DataError, ParameterError

LARGEST = 2_000_000
_HEAD = ("# A wholefit cleaning recipe: steps are done in order, from the top.\n"
         "# Edit it, then: wholefit clean DATA --recipe THIS --out CLEAN\n")


def read(path: Path) -> dict[str, Any]:
    """What a recipe file holds; DataError if it is not one."""
    try:
        if not path.is_file():
            raise DataError(f"there is no recipe {str(path)!r}.")
        if path.stat().st_size > LARGEST:
            raise DataError(f"recipe {path.name!r} has {path.stat().st_size:,} bytes; at most "
                            f"{LARGEST:,} are read.")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"recipe {path.name!r} cannot be read: {error}.") from error
    as_json = path.suffix.lower() == ".json" or text.lstrip()[:1] == "{"
    try:
        found = json.loads(text) if as_json else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        kind = "JSON" if as_json else "TOML"
        raise DataError(f"recipe {path.name!r} is not {kind}: {str(error)[:200]}.") from error
    if not isinstance(found, dict):
        raise DataError(f"recipe {path.name!r} must hold steps: a list \"step\" of tables with "
                        f"do = \"...\"; got a {type(found).__name__}.")
    return found


def write(path: Path, data: dict[str, Any], text: str, force: bool) -> Path:
    """Write a recipe in the form that the ending names."""
    ending = path.suffix.lower()
    if ending not in (".toml", ".json"):
        raise ParameterError(f"a recipe is written as .toml or .json; got {path.name!r}.")
    if path.exists() and not force:
        raise DataError(f"{path.name!r} exists already: force=True (--force) replaces it.")
    content = json.dumps(data, indent=2, ensure_ascii=False) + "\n" if ending == ".json" else text
    try:
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        raise DataError(f"{str(path)!r} cannot be written: {error.strerror}.") from error
    return path


def toml(data: dict[str, Any]) -> str:
    """A recipe as TOML; the reason of a step stands above it, as a comment and as data."""
    lines = [_HEAD, f"version = {data['version']}"]
    for step in data["step"]:
        lines += ["", "[[step]]"]
        lines += [f"{_key(name)} = {_value(value)}" for name, value in step.items()]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if value != value else ("inf" if value > 0 else "-inf")
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(each) for each in value) + "]"
    if isinstance(value, dict):
        inside = ", ".join(f"{_key(name)} = {_value(each)}" for name, each in value.items())
        return "{ " + inside + " }" if inside else "{}"
    raise ParameterError(f"a recipe holds numbers, words and lists of them; got {value!r}.")


def _key(name: str) -> str:
    return name if name.isascii() and name.replace("_", "a").isalnum() else _text(name)


def _text(text: str) -> str:
    # A basic string of TOML is written as in JSON, but for DEL, which must be escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
