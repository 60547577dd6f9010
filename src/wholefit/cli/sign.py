"""`wholefit sign`, `verify`, `seal`, `unseal`: who vouches for a file, and who can read it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from wholefit.cli import _show
from wholefit.cli._app import command
from wholefit.cli._options import Force, Json, option

_SOURCE = "env:NAME, file:PATH or command:WORDS (a keyring's or vault's)"
Passphrase = Annotated[str | None, option(
    f"Where the key's passphrase comes from: {_SOURCE}.", "SOURCE")]
Name = Annotated[str | None, option(
    "What the model is called; checked by those who state it too.", "NAME")]
Seal = Annotated[str | None, option(
    f"Where the key comes from: {_SOURCE}; else as the variable WHOLEFIT_KEY says.", "SOURCE")]
Out = Annotated[Path | None, option("File to write.", "FILE")]


@command("sign")
def sign(
    file: Annotated[Path, typer.Argument(
        help="A model (.wf), or any other file.", metavar="FILE")],
    key: Annotated[str, option(
        f"The signing key: its file, or {_SOURCE}.", "KEY")],
    name: Name = None,
    passphrase: Passphrase = None,
    out: Out = None,
) -> None:
    """Vouch for a model: a signature of its contents beside it, FILE.sig.

    wholefit keys signing author.key "Ada Lovelace"

    wholefit sign churn.wf --key author.key

    wholefit verify churn.wf --trust author.key.pub
    """
    from wholefit.artifact import keyfiles, signing

    made = signing.sign(file, keyfiles.private(key, _secret(passphrase)), name=name, out=out)
    _show.say(f"{file} signed: {made} goes with it.")


@command("verify")
def verify(
    file: Annotated[Path, typer.Argument(
        help="A model (.wf, also sealed), or any file that was signed.", metavar="FILE")],
    trust: Annotated[Path | None, option(
        "Keys that are trusted, a file of lines or a folder of .pub files; else those of the "
        "variable WHOLEFIT_TRUST.", "FILE")] = None,
    name: Name = None,
    key: Seal = None,
    as_json: Json = False,
) -> None:
    """Whether a file is whole, and whether somebody who is trusted vouches for it.

    Ends with code 1 if it is damaged, or if keys are stated and none of them signed it. Without
    keys only damage is looked for: who altered a file can make its checksums anew.
    """
    from wholefit.artifact import opening, signing

    asked = signing.trusted(trust)
    about, digest, members = opening.contents(file, key)
    found = None if asked is None else signing.check(
        about, digest, signing.read_signatures(opening.signature_of(file)), asked, what=file.name,
        name=name)
    if as_json:
        _show.as_json({"file": str(file), "about": about, "sha256": digest, "members": members,
                       "signed": None if found is None else vars(found)})
        return
    _show.say(f"{file} is whole: {about}, sha256 {digest}"
              + (f", {members} members" if members is not None else ""))
    if found is None:
        _show.say("signed by: not asked (--trust, or the variable WHOLEFIT_TRUST, names keys)")
    else:
        called = f" as {found.name!r}" if found.name else ""
        _show.say(f"signed by: {found.by}{called}, {found.at}")


@command("seal")
def seal(
    file: Annotated[Path, typer.Argument(help="Any file.", metavar="FILE")],
    key: Seal = None,
    out: Out = None,
    force: Force = False,
) -> None:
    """Write a copy that only who has the key can read: FILE.sealed.

    Every command but `package` opens a sealed model in memory, with the key that WHOLEFIT_KEY tells
    the source of; nothing plain is written.
    """
    from wholefit.artifact import opening
    from wholefit.base.sealing import sealer

    made = opening.seal(file, out, sealer(key), force=force)
    _show.say(f"{made} written; {file} itself is as readable as before.")


@command("unseal")
def unseal(
    file: Annotated[Path, typer.Argument(help="A sealed file.", metavar="FILE")],
    key: Seal = None,
    out: Out = None,
    force: Force = False,
) -> None:
    """Write what a sealed file holds, plain; nothing if it was altered."""
    from wholefit.artifact import opening
    from wholefit.base.sealing import sealer

    _show.say(f"{opening.unseal(file, out, sealer(key), force=force)} written.")


def _secret(source: str | None) -> Any:
    from wholefit.base.keysource import secret

    return None if source is None else secret(source, what="the passphrase")
