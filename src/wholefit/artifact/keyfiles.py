"""Key files for signing: a private key in PEM (PKCS 8), and its public line for trust files.

    author.key         private; read by its owner alone, under a passphrase if one is stated
    author.key.pub     one line, to be given to everybody: ed25519 <base64> <name>
"""

from __future__ import annotations

import base64
import contextlib
import os
from pathlib import Path
from typing import Any

from wholefit.base.errors import AccessError, ArtifactError
from wholefit.base.keysource import Secret, secret
from wholefit.base.optional import need

_USER = "signing"
_KINDS = ("env", "file", "command")


def make(path: str | os.PathLike[str], name: str, passphrase: Secret | None = None) -> str:
    """Make a signing key at `path` and its public line at `path` + ".pub"; returns that line.

    `name` is whose key it is. Existing files are never replaced: ArtifactError.
    """
    name = " ".join(name.split())
    if not name or len(name) > 200:
        raise AccessError("a signing key needs the name of its owner, of at most 200 letters.")
    serial = need("cryptography.hazmat.primitives.serialization", extra="secure", user=_USER)
    how = serial.NoEncryption() if passphrase is None else serial.BestAvailableEncryption(
        passphrase.reveal())
    key = _ed25519().Ed25519PrivateKey.generate()
    pem = key.private_bytes(serial.Encoding.PEM, serial.PrivateFormat.PKCS8, how)
    coded = base64.b64encode(key.public_key().public_bytes_raw()).decode("ascii")
    line = f"ed25519 {coded} {name}"
    pub = Path(f"{os.fspath(path)}.pub")
    if pub.exists():
        raise ArtifactError(f"{pub} exists; choose another name for the key.")
    write_private(path, pem)
    pub.write_text(line + "\n", encoding="utf-8")
    return line


def write_private(path: str | os.PathLike[str], data: bytes) -> Path:
    """A new file that its owner alone may read; ArtifactError where there is one already."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0),
                         0o600)
        with open(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise ArtifactError(f"{path} exists, and a key is never replaced: choose another name, or "
                            "delete it first.") from None
    except OSError as error:
        with contextlib.suppress(OSError):
            if Path(path).stat().st_size == 0:
                Path(path).unlink()
        raise ArtifactError(f"{path} cannot be written: {error.strerror or error}.") from None
    return Path(path)


def private(source: str | os.PathLike[str], passphrase: Secret | None = None) -> Any:
    """The private key of a file, or of a source such as env:NAME; for `signing.sign`.

    AccessError where it is none, of another kind, or under another passphrase.
    """
    named = os.fspath(source)
    if named.partition(":")[0] not in _KINDS:
        named = f"file:{named}"
    found = secret(named, what="the signing key")
    serial = need("cryptography.hazmat.primitives.serialization", extra="secure", user=_USER)
    try:
        key = serial.load_pem_private_key(
            found.reveal() + b"\n", None if passphrase is None else passphrase.reveal())
    except TypeError as error:
        raise AccessError(
            "the signing key is under a passphrase: say where that comes from (--passphrase, as "
            "env:NAME, file:PATH or command:WORDS)." if passphrase is None else
            "the signing key is under no passphrase; state none.") from error
    except Exception:  # the library has errors of many kinds, and their words may hold the key
        raise AccessError("the signing key cannot be read: it is no private key in PEM, or under "
                          "another passphrase.") from None
    if not isinstance(key, _ed25519().Ed25519PrivateKey):
        raise AccessError(f"the signing key must be of Ed25519; got a {type(key).__name__}: "
                          "`wholefit keys signing FILE` makes one.")
    return key


def public(coded: str) -> Any:
    """The public key of its base64; ValueError for anything else."""
    return _ed25519().Ed25519PublicKey.from_public_bytes(base64.b64decode(coded, validate=True))


def _ed25519() -> Any:
    return need("cryptography.hazmat.primitives.asymmetric.ed25519", extra="secure", user=_USER)
