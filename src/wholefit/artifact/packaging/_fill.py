"""Templates: text with names between at signs, filled in with words that have been checked.

A template is a file of its own beside this one, so that it can be read as what it will become. A
word that is put in comes from a `Plan`, whose fields hold nothing that YAML, JSON or a shell would
take for more than a word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).parent / "templates"
_NAME = re.compile(r"@([a-z][a-z_]*)@")


def filled(template: str, words: Mapping[str, str]) -> str:
    """The template `docker/Dockerfile` with its names replaced; KeyError for one without a word."""
    text = (FOLDER / template).read_text(encoding="utf-8")
    return _NAME.sub(lambda found: words[found[1]], text)


def names(template: str) -> set[str]:
    """The names that a template asks for."""
    return set(_NAME.findall((FOLDER / template).read_text(encoding="utf-8")))
