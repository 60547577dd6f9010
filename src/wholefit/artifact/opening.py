"""Opening an artifact as a person loads it: unsealed if it is sealed, signed if that is asked.

    opened("m.wf")                                 as `read`
    opened("m.wf", trust="trusted.txt")            only if somebody named there signed it
    opened("m.wf.sealed", key="env:MODEL_KEY")     opened in memory; nothing plain on the disk

The environment may ask for the same: WHOLEFIT_TRUST names a trust file, and WHOLEFIT_KEY says where
the key of sealed files comes from. A trust that is stated and cannot be read refuses everything.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import IO, Any

from wholefit.artifact import _zip, signing
from wholefit.artifact.read import DEFAULT_LIMIT, Package, read, verify
from wholefit.artifact.write import replacing_file
from wholefit.base.errors import AccessError, ArtifactError
from wholefit.base.sealing import MARK, Sealer, is_sealed, sealer

SEALED = ".sealed"


def opened(
    path: str | os.PathLike[str], *, trust: str | os.PathLike[str] | signing.Trust | None = None,
    key: str | Sealer | None = None, name: str | None = None, limit: int | None = None,
) -> Package:
    """The package in a file; see the first lines of this module.

    `name` asks that it be signed as that name. Raises ArtifactError for a damaged file, AccessError
    where nobody trusted vouches for it or the key does not open it.
    """
    asked = signing.trusted(trust)
    if asked is None and name is not None:
        raise AccessError(f"to ask that a model be signed as {name!r}, say whom you trust "
                          f"(trust=, --trust, or {signing.VARIABLE}).")
    package = read(source(path, key, limit), limit=limit)
    if asked is not None:
        if not isinstance(path, (str, os.PathLike)):
            raise AccessError("a model that is no file has no signature beside it: save it, sign "
                              "it, and load the file.")
        signed(path, package, asked, name)
    return package


def signed(
    path: str | os.PathLike[str], package: Package, trust: signing.Trust, name: str | None = None
) -> signing.Signed:
    """Who vouches for an artifact that was read from `path`; AccessError where nobody does."""
    return signing.check("artifact", package.sha256, signing.read_signatures(signature_of(path)),
                         trust, what=Path(path).name, name=name)


def signature_of(path: str | os.PathLike[str]) -> Path:
    """The signature file beside a file; that of what was sealed counts for a sealed one.

    AccessError where there is none.
    """
    places = [signing.beside(path)]
    if os.fspath(path).endswith(SEALED):
        places.append(signing.beside(os.fspath(path)[:-len(SEALED)]))
    for place in places:
        if place.is_file():
            return place
    raise AccessError(f"{Path(path).name} is not signed: {places[0].name} is not beside it, and "
                      "only what a trusted key has signed is taken (`wholefit sign` makes a "
                      "signature).")


def contents(
    path: str | os.PathLike[str], key: str | Sealer | None = None
) -> tuple[str, str, int | None]:
    """What `signing.contents` tells, and the number of members of an artifact; else None.

    Of a sealed file it is told what it holds. ArtifactError for a damaged artifact.
    """
    if Path(path).suffix not in (".wf", SEALED):
        return (*signing.contents(path), None)
    held = source(path, key)
    if isinstance(held, bytes) and not _is_artifact(os.fspath(path).removesuffix(SEALED), held):
        return "file", hashlib.sha256(held).hexdigest(), None
    facts = verify(held)
    if faults := [fact.message for fact in facts if not fact.ok]:
        raise ArtifactError("; ".join(faults[:5]))
    # Two facts are about the file and its manifest, each of the others about a member.
    return "artifact", read(held).sha256, len(facts) - 2


def _is_artifact(name: str, held: bytes) -> bool:
    if name.endswith(".wf"):
        return True
    try:
        return held.startswith(signing.ZIP) and bool(read(held))
    except ArtifactError:
        return False


def seal(
    path: str | os.PathLike[str], out: str | os.PathLike[str] | None, by: Sealer, *,
    force: bool = False,
) -> Path:
    """Write a sealed copy of any file, by default to `path` + ".sealed"; returns its path."""
    target = Path(out) if out is not None else Path(f"{os.fspath(path)}{SEALED}")
    with _reading(path) as plain:
        if is_sealed(plain.read(len(MARK))):
            raise AccessError(f"{path} is sealed already.")
        plain.seek(0)
        _apart(path, target)
        with replacing_file(target, force=force) as file:
            by.seal_file(plain, file)
    return target


def unseal(
    path: str | os.PathLike[str], out: str | os.PathLike[str] | None, by: Sealer, *,
    force: bool = False,
) -> Path:
    """Write what a sealed file holds, by default to `path` without ".sealed"; nothing if altered.
    """
    if out is None and not os.fspath(path).endswith(SEALED):
        raise AccessError(f"say where to write what {path} holds (out=, --out): its name does not "
                          f"end in {SEALED}.")
    target = Path(out) if out is not None else Path(os.fspath(path)[:-len(SEALED)])
    with _reading(path) as held:
        _apart(path, target)
        with replacing_file(target, force=force) as file:
            for piece in by.open_file(held, str(path)):
                file.write(piece)
    return target


def sealed(path: str | os.PathLike[str]) -> bool:
    """True for a sealed file; ArtifactError for one that is not there."""
    with _reading(_zip.find(path)) as file:
        return is_sealed(file.read(len(MARK)))


def source(
    path: str | os.PathLike[str], key: str | Sealer | None = None, limit: int | None = None
) -> Any:
    """What `read` reads: the path itself, or the bytes that a sealed file holds.

    Bytes and file objects are passed on; nothing vouches for them.
    """
    if not isinstance(path, (str, os.PathLike)):
        return path
    place = _zip.find(path)
    with _reading(place) as file:
        if not is_sealed(file.read(len(MARK))):
            return Path(path)
        by = key if isinstance(key, Sealer) else sealer(key, what=f"the key of {place.name}")
        file.seek(0)
        size, most = place.stat().st_size, limit or DEFAULT_LIMIT
        if size > max(most, DEFAULT_LIMIT):
            raise ArtifactError(f"{place.name} is larger than {most / 1e9:.3g} GB: pass a larger "
                                "limit=, or unseal it to a file first.")
        return b"".join(by.open_file(file, place.name))


def _reading(path: str | os.PathLike[str]) -> IO[bytes]:
    try:
        return open(path, "rb")
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror or error}.") from None


def _apart(path: str | os.PathLike[str], target: Path) -> None:
    if os.path.realpath(path) == os.path.realpath(target):
        raise ArtifactError(f"{path} cannot be read and written at once: say another file.")
