"""The layout of a .wf file, its version number, and how to change it.

    m.wf                                    one zip, members sorted by name
      reference/<name>                      reserved: what explaining, drift and replay need
      states/<state>/<array>.npy            one array, NumPy's npy format
      states/<state>/<blob>.bin             bytes in a library's own format
      states/<state>/parts/<part>/...       the same again, for the members of a state
      wholefit.json                         the manifest: everything else, and a checksum for each

Note for the next developer: how to change the format.

1. Additions that old readers may ignore (a new key beside "record") need no new number.
2. Anything else: add 1 to FORMAT, write a function that turns the old manifest into the new
   one, and register it in MIGRATIONS under the OLD number. It receives the whole parsed
   manifest (record and states included) and returns a new one; it never sees a member's
   bytes, so a change inside the members must be told apart by something in the manifest.
3. Before you change anything, write one file with the last released version and leave it in
   tests/artifact/museum (the README there says how). Museum files are never edited, and the
   tests load all of them for ever.
4. Say what changed in docs/artifact.md, under "History".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from wholefit.base.errors import ArtifactError, StateError

FORMAT = 1
MANIFEST = "wholefit.json"
STATES = "states"
REFERENCE = "reference"

MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""Format n -> the function that turns a manifest of format n into one of format n + 1."""

MAX_NAME = 200
"""Characters in the name of a state, array, blob or part."""
MAX_PARTS = 32
"""How deep parts may nest."""
MAX_PATH = 4000
"""Characters in the path of a member inside the zip."""
MAX_MEMBERS = 100_000
"""Members in one file."""
MAX_MANIFEST = 64 * 2**20
"""Bytes of wholefit.json."""
MAX_DEFLATED = 64 * 2**20
"""Bytes that one deflated member may unpack to; larger members are stored as they are."""

_SEGMENT = r"[A-Za-z0-9_%-][A-Za-z0-9_%.-]*"
_MEMBER = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*", re.ASCII)
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.")


def is_member_name(name: str) -> bool:
    """True for a relative path of plain ASCII segments, none of which starts with a dot."""
    return _MEMBER.fullmatch(name) is not None


def segment(name: str, what: str) -> str:
    """`name` as one path segment: percent-encoded wherever it is not plain ASCII.

    Raises StateError for an empty or over-long name, or one that is not text.
    """
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME:
        raise StateError(f"the name of every {what} must be text of 1 to {MAX_NAME} characters; "
                         f"got {str(name)[:40]!r}.")
    try:
        raw = name.encode()
    except UnicodeEncodeError:
        raise StateError(f"the name of every {what} must be valid Unicode; got {name!r}.") from None
    coded = "".join(chr(b) if b in _PLAIN else f"%{b:02X}" for b in raw)
    return "%2E" + coded[1:] if coded.startswith(".") else coded


def manifest(
    writer: str,
    record: dict[str, Any],
    states: dict[str, Any],
    reference: dict[str, str],
    members: Mapping[str, dict[str, Any]],
) -> dict[str, Any]:
    """The contents of wholefit.json."""
    return {
        "format": FORMAT,
        "writer": writer,
        "record": record,
        "states": states,
        "reference": reference,
        "members": dict(sorted(members.items())),
    }


def migrated(found: Any, where: str) -> dict[str, Any]:
    """A parsed manifest, brought to the current format and checked.

    Raises ArtifactError for a file of a newer format, and for one that breaks the rules.
    """
    number = found.get("format") if isinstance(found, dict) else None
    if type(number) is not int or number < 1:
        raise ArtifactError(f"{where} is not a wholefit artifact: {MANIFEST} states no format.")
    if number > FORMAT:
        writer = found.get("writer")
        raise ArtifactError(
            f"{where} was made by {writer if isinstance(writer, str) else 'a newer wholefit'}, "
            f"format {number}; this version reads up to {FORMAT}: upgrade wholefit "
            "(pip install -U wholefit)."
        )
    try:
        for old in range(number, FORMAT):
            found = MIGRATIONS[old](found)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise _broken(where, f"something of format {number} is missing ({error})") from error
    _check(found, where)
    return dict(found)


def _check(found: dict[str, Any], where: str) -> None:
    kinds = {"writer": str, "record": dict, "states": dict, "reference": dict, "members": dict}
    for key, kind in kinds.items():
        if not isinstance(found.get(key), kind):
            raise _broken(where, f"{key!r} is missing or not a {kind.__name__}")
    for name, entry in found["members"].items():
        _check_member(name, entry, where)
    named = list(_texts(found["reference"], where))
    for state in found["states"].values():
        named += _check_state(state, where, depth=1)
    if sorted(named) != sorted(found["members"]):
        odd = sorted(set(named) ^ set(found["members"])) or sorted(named)
        raise _broken(where, f"member {odd[0]!r} is not both listed and used, once")


def _check_member(name: str, entry: Any, where: str) -> None:
    if not is_member_name(name) or name.split("/")[0] not in (STATES, REFERENCE):
        raise ArtifactError(f"{where} is unsafe: it lists a member named {name[:80]!r}, which is "
                            f"not a plain path under {STATES}/ or {REFERENCE}/.")
    good = isinstance(entry, dict) and type(entry.get("size")) is int and entry["size"] >= 0
    digest = entry.get("sha256") if good else None
    if not isinstance(digest, str) or not re.fullmatch("[0-9a-f]{64}", digest):
        raise _broken(where, f"member {name!r} needs a size and a sha256")


def _check_state(state: Any, where: str, depth: int) -> list[str]:
    """The members that a state and its parts use, after checking the shape of its entry."""
    kinds = {"kind": str, "config": dict, "arrays": dict, "blobs": dict, "parts": dict}
    if not isinstance(state, dict) or depth > MAX_PARTS:
        raise _broken(where, f"a state is not an object, or nests deeper than {MAX_PARTS}")
    for key, kind in kinds.items():
        if not isinstance(state.get(key), kind):
            raise _broken(where, f"{key!r} of a state is missing or not a {kind.__name__}")
    named = [*_texts(state["arrays"], where), *_texts(state["blobs"], where)]
    for part in state["parts"].values():
        named += _check_state(part, where, depth + 1)
    return named


def _texts(names: dict[str, Any], where: str) -> list[str]:
    if not all(isinstance(member, str) for member in names.values()):
        raise _broken(where, "a state names a member by something other than text")
    return list(names.values())


def _broken(where: str, why: str) -> ArtifactError:
    return ArtifactError(f"{where} is damaged: in {MANIFEST}, {why}. Copy the file again, or "
                         "save the model anew.")
