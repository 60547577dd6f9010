"""Signatures: who vouches for a file, and whether anything in it was changed since.

A signature is a file beside the signed one, `m.wf.sig`. It holds Ed25519 signatures (RFC 8032) of
the checksum of the contents: of an artifact its identity (the SHA-256 of its manifest, which holds
the checksums of all its members), so that it is checked in a moment whatever the file's size; of
any other file the SHA-256 of its bytes.

    {"wholefit": "signatures", "format": 1, "signatures": [
        {"about": "artifact", "sha256": "...", "name": "churn", "at": "2031-05-01T12:00:00+00:00",
         "key": "<public key, base64>", "signature": "<base64>"}]}

What is signed is the line "wholefit signature 1", a line feed, and the entry without its signature
as JSON with sorted keys and no spaces, in ASCII. Who is trusted stands in a text file that only the
person who decides it can write:

    # a key a line: its kind, the key, and whose it is
    ed25519 hw2MbTmuYg...= Ada of the credit team

A signature tells who vouched for these bytes. It does not tell that they are the latest: state
`name=` when signing and when checking, so that one signed model is not taken for another.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wholefit.artifact._json import loads
from wholefit.artifact.read import read
from wholefit.artifact.write import replacing_file
from wholefit.base.errors import AccessError, ArtifactError, WholefitError
from wholefit.base.sealing import MARK, is_sealed
from wholefit.base.stored import typed

ENDING = ".sig"
ZIP = b"PK\x03\x04"
"""What an artifact begins with, as every zip does."""
FORMAT = 1
VARIABLE = "WHOLEFIT_TRUST"
"""Environment variable: a file (or folder of .pub files) of keys; nothing else is then loaded."""

_MOST_BYTES, _MOST_SIGNERS, _MOST_KEYS = 64 * 1024, 50, 10_000
_FIRST = b"wholefit signature 1\n"


@dataclass(frozen=True)
class Signature:
    """One entry of a signature file. `key` and `signature` are base64; `at` is the signer's time.

    `about` is "artifact" or "file", and says of what `sha256` is; `name` is what the signer calls
    the thing, or None.
    """

    about: str
    sha256: str
    name: str | None
    at: str
    key: str
    signature: str = ""

    def message(self) -> bytes:
        """The bytes that are signed."""
        told = {name: value for name, value in asdict(self).items() if name != "signature"}
        return _FIRST + json.dumps(told, sort_keys=True, separators=(",", ":")).encode("ascii")


@dataclass(frozen=True)
class Signed:
    """Who vouches: the name in the trust file, when (by their clock), and as what."""

    by: str
    at: str
    name: str | None


@dataclass(frozen=True)
class Trust:
    """Public keys and whose they are, as the file `source` says."""

    keys: dict[str, str]
    source: str

    @classmethod
    def read(cls, source: str | os.PathLike[str]) -> Trust:
        """Read a trust file, or every .pub file of a folder. AccessError for one that is none."""
        place = Path(source)
        files = sorted(place.glob("*.pub")) if place.is_dir() else [place]
        keys: dict[str, str] = {}
        for file in files:
            for number, line in enumerate(_text(file).splitlines(), 1):
                if line.strip() and not line.lstrip().startswith("#"):
                    key, name = _trusted(line, f"{file}, line {number}")
                    keys[key] = name
        if not keys:
            raise AccessError(f"{place} names no key to trust: `wholefit keys signing FILE` makes "
                              "a key, whose .pub file belongs there.")
        return cls(keys, str(place))


def trusted(stated: str | os.PathLike[str] | Trust | None) -> Trust | None:
    """The trust that is stated, else that of the variable WHOLEFIT_TRUST; None: none is asked."""
    if isinstance(stated, Trust):
        return stated
    named = stated if stated is not None else os.environ.get(VARIABLE, "").strip() or None
    return None if named is None else Trust.read(named)


def sign(
    path: str | os.PathLike[str], key: Any, *, name: str | None = None,
    out: str | os.PathLike[str] | None = None,
) -> Path:
    """Sign a file with a private key (of `keyfiles.private`); the signature file's path.

    It is `path` + ".sig" unless `out` is stated. Signatures of other keys for the same contents
    stay in it. `name` is what the thing is called, checked by those who state it too. A damaged
    artifact is not signed: ArtifactError; nor is a sealed file, whose contents nobody sees:
    AccessError.
    """
    if is_sealed(_start(path)):
        raise AccessError(f"{path} is sealed: sign the file that was sealed; its signature holds "
                          "for the sealed one too.")
    about, digest = contents(path)
    target = Path(out) if out is not None else beside(path)
    made = Signature(about, digest, name, datetime.now(UTC).isoformat(timespec="seconds"),
                     _coded(key.public_key().public_bytes_raw()))
    made = replace(made, signature=_coded(key.sign(made.message())))
    entries = [asdict(each) for each in (*_others(target, made), made)]
    text = json.dumps({"wholefit": "signatures", "format": FORMAT, "signatures": entries}, indent=1)
    with replacing_file(target, force=True) as file:
        file.write(text.encode("ascii") + b"\n")
    return target


def _others(target: Path, made: Signature) -> list[Signature]:
    """Signatures of the same contents by other keys, in a file that is there already."""
    try:
        found = read_signatures(target) if target.exists() else ()
    except AccessError as error:
        raise AccessError(f"{target} is there and holds no signatures: move it away, or name "
                          "another file (out=, --out).") from error
    return [each for each in found if each.key != made.key and each.sha256 == made.sha256]


def contents(path: str | os.PathLike[str]) -> tuple[str, str]:
    """What is signed of a file: ("artifact", its identity), or ("file", the SHA-256 of its bytes).

    Every member of an artifact is read and held against its checksum first.
    """
    named = Path(path).suffix == ".wf"
    if named or _start(path).startswith(ZIP):
        try:
            package = read(path)
        except ArtifactError:
            if named:
                raise
        else:
            _all(package)
            return "artifact", package.sha256
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while piece := file.read(2**20):
                digest.update(piece)
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror or error}.") from None
    return "file", digest.hexdigest()


def read_signatures(path: str | os.PathLike[str]) -> tuple[Signature, ...]:
    """The entries of a signature file, checked by nobody yet. AccessError for any other file."""
    what = f"the signature {Path(path).name}"
    try:
        with open(path, "rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise AccessError(f"{what} cannot be read: {error.strerror or error}.") from None
    try:
        if len(data) > _MOST_BYTES:
            raise ValueError(f"it has over {_MOST_BYTES:,} bytes")
        found = loads(data, what)
        if found["wholefit"] != "signatures" or found["format"] != FORMAT:
            raise ValueError("it is of another kind, or of a newer wholefit")
        entries = found["signatures"]
        if not isinstance(entries, list) or len(entries) > _MOST_SIGNERS:
            raise ValueError(f"it must list at most {_MOST_SIGNERS} signatures")
        return tuple(typed(Signature(**entry)) for entry in entries)
    except (WholefitError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise AccessError(f"{what} is none that wholefit wrote ({error}); sign the file "
                          "anew.") from None


def check(
    about: str, sha256: str, found: Sequence[Signature], trust: Trust, *, what: str,
    name: str | None = None,
) -> Signed:
    """Who of those trusted vouches for these contents; AccessError, saying why, where nobody does.

    `what` names the file in errors; with `name`, only signatures as that name count.
    """
    faults, strangers = [], False
    for each in found:
        by = trust.keys.get(each.key)
        if by is None:
            strangers = True
        elif (each.about, each.sha256) != (about, sha256):
            faults.append(f"what {by} signed is not what it holds")
        elif name is not None and each.name != name:
            faults.append(f"{by} signed it as {each.name!r}, not as {name!r}")
        elif not _holds(each):
            faults.append(f"the signature of {by} is false")
        else:
            return Signed(by, each.at, each.name)
    if not faults:
        faults = [f"no key of {trust.source} has signed it" if strangers else
                  "its signature file is empty"]
    raise AccessError(f"{what} is not to be trusted: {'; '.join(dict.fromkeys(faults))}. Get it "
                      "anew from who made it.")


def beside(path: str | os.PathLike[str]) -> Path:
    """Where the signature of a file is: `m.wf.sig` for `m.wf`."""
    return Path(f"{os.fspath(path)}{ENDING}")


def _holds(signature: Signature) -> bool:
    from wholefit.artifact.keyfiles import public

    try:
        mark = base64.b64decode(signature.signature, validate=True)
        public(signature.key).verify(mark, signature.message())
    except (binascii.Error, ValueError):
        return False
    except Exception as error:
        if type(error).__name__ == "InvalidSignature":
            return False
        raise
    return True


def _all(package: Any) -> None:
    """Read all of an artifact, so that nothing damaged is vouched for."""
    for name in package.states:
        package.states[name]
    for name in package.reference:
        package.reference[name]


def _start(path: str | os.PathLike[str]) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(len(MARK))
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror or error}.") from None


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise AccessError(f"the trust file {path} cannot be read: {error.strerror or error}.") \
            from None
    if len(data) > 200 * _MOST_KEYS:
        raise AccessError(f"the trust file {path} is larger than any list of keys.")
    return data.decode("utf-8", "replace")


def _trusted(line: str, where: str) -> tuple[str, str]:
    """Key and name of a line of a trust file."""
    kind, _, rest = line.strip().partition(" ")
    key, _, name = rest.strip().partition(" ")
    try:
        good = kind == "ed25519" and len(base64.b64decode(key, validate=True)) == 32
    except (binascii.Error, ValueError):
        good = False
    if not good or not name.strip():
        raise AccessError(f"{where}: a trusted key is written as: ed25519 KEY NAME, where KEY is "
                          "32 bytes in base64.")
    return _coded(base64.b64decode(key)), " ".join(name.split())[:200]


def _coded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
