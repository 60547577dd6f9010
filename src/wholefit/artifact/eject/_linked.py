"""Several models' pieces in one script: what is equal stands once, what differs gets own names.

Every model's pieces are parts of the same template, and would define `train` or `Features` anew.
The first to define a name keeps it; what another defines under the same name is called after that
model, wherever that model's parts speak of it.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wholefit.artifact.eject._pieces import Pieces


@dataclass
class Part:
    """One model's pieces, the word its own names end in, and what its names became."""

    pieces: Pieces
    suffix: str
    names: dict[str, str] = field(default_factory=dict)


class Linked:
    """The script's parts, in the template's order: `constants` by name, `blocks` of text."""

    def __init__(self) -> None:
        self.constants: dict[str, Any] = {}
        self.blocks: list[str] = []
        self._known: dict[tuple[str, str], dict[str, str]] = {}
        self._taken: set[str] = set()

    def constant(self, name: str, value: Any, part: Part) -> None:
        """Put in a constant of a part."""
        found = self._named((name, repr(value)), [name], part)
        self.constants[found[name]] = value

    def block(self, section: str, text: str, part: Part) -> None:
        """Put in a section of a part, unless it stands there already."""
        text = renamed(text, part.names)
        if (section, text) in self._known:
            part.names |= self._known[section, text]
            return
        own = self._named((section, text), defined(text), part)
        self.blocks.append(renamed(text, own))

    def _named(self, what: tuple[str, str], names: Sequence[str], part: Part) -> dict[str, str]:
        """What the names are called here; all of them otherwise as soon as one is taken."""
        if what not in self._known:
            found = {name: name for name in names}
            if self._taken & set(names):
                found = {name: _called(name, part.suffix) for name in names}
            self._taken |= set(found.values())
            self._known[what] = found
        part.names |= self._known[what]
        return self._known[what]


def linked(
    parts: Sequence[Part], order: Sequence[str], needed: Callable[[set[str]], Sequence[str]],
    text_of: Callable[[str, Part], str],
) -> Linked:
    """All parts together; `order` are the template's sections, `needed` those that some need."""
    found = Linked()
    for part in parts:
        for name, value in part.pieces.constants.items():
            if value is not None:
                found.constant(name, value, part)
    wanted = [set(needed(part.pieces.names)) for part in parts]
    for section in order:
        for part, own in zip(parts, wanted, strict=True):
            if section in own:
                found.block(section, text_of(section, part), part)
    return found


def defined(text: str) -> list[str]:
    """Names that a part of a script defines."""
    found = []
    for node in ast.parse(text).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.append(node.name)
        elif isinstance(node, ast.Assign):
            found += [each.id for each in node.targets if isinstance(each, ast.Name)]
    return found


def renamed(text: str, names: Mapping[str, str]) -> str:
    """The text with names replaced, but not attributes, nor words within strings and comments."""
    if all(name == new for name, new in names.items()):
        return text
    lines, before = text.splitlines(keepends=True), ""
    changes = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME and before != "." and token.string in names:
            changes.append((token.start, token.string))
        before = token.string
    for (row, column), name in reversed(changes):
        line = lines[row - 1]
        lines[row - 1] = line[:column] + names[name] + line[column + len(name):]
    return "".join(lines)


def _called(name: str, suffix: str) -> str:
    return f"{name}_{suffix.upper()}" if name.isupper() else f"{name}_{suffix}"
