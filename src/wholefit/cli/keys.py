"""`wholefit keys`: API keys of a server, keys to sign and to seal, and the audit log."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from wholefit.base.errors import AccessError, unknown
from wholefit.cli import _show
from wholefit.cli._app import command
from wholefit.cli._options import Json, option

_ACTIONS = ("add", "list", "rotate", "revoke", "signing", "sealing", "audit")


@command("keys")
def keys(
    action: Annotated[str, typer.Argument(
        help="add, list, rotate or revoke API keys; signing or sealing makes a key file; audit "
        "reads and checks a server's record.", metavar="ACTION")],
    file: Annotated[Path, typer.Argument(help="The file of keys, or of the record.",
                                         metavar="FILE")],
    name: Annotated[str | None, typer.Argument(
        help="Whose key it is.", metavar="[NAME]")] = None,
    scope: Annotated[list[str] | None, option(
        "What the key is for: predict, read, feedback, admin; predict:NAME for one model; may be "
        "repeated.", "SCOPE")] = None,
    days: Annotated[float | None, option("Days until it expires; never if left out.",
                                         "N")] = None,
    rate: Annotated[float | None, option("Requests a second, at most.", "N")] = None,
    burst: Annotated[int | None, option("Requests at once, at most.", "N")] = None,
    overlap: Annotated[str, option("How long a rotated key goes on.", "TIME")] = "24h",
    passphrase: Annotated[str | None, option(
        "Where a passphrase for a signing key, or the secret of the record, comes from: env:NAME, "
        "file:PATH or command:WORDS.", "SOURCE")] = None,
    as_json: Json = False,
) -> None:
    """Make and end the API keys of a server, make keys to sign and to seal, read the audit log.

    wholefit keys add keys.json shop --scope predict --scope feedback --days 90

    wholefit keys rotate keys.json shop --overlap 24h

    wholefit keys signing author.key "Ada Lovelace"

    wholefit keys sealing model.key
    """
    done = {"add": lambda: _add(file, _named(name), scope, days, rate, burst, as_json),
            "list": lambda: _list(file, as_json),
            "rotate": lambda: _rotate(file, _named(name), overlap, days, as_json),
            "revoke": lambda: _revoke(file, _named(name), as_json),
            "signing": lambda: _signing(file, _named(name), passphrase),
            "sealing": lambda: _sealing(file),
            "audit": lambda: _audit(file, passphrase, as_json)}.get(action)
    if done is None:
        raise unknown("action of keys", action, _ACTIONS)
    done()


def _named(name: str | None) -> str:
    if not name:
        raise typer.BadParameter("say whose key it is: NAME after FILE.")
    return name


def _add(
    file: Path, name: str, scopes: list[str] | None, days: float | None, rate: float | None,
    burst: int | None, as_json: bool,
) -> None:
    from wholefit.serving.access import KeyFile

    made = KeyFile(file).add(name, scopes or ["predict"], days=days, rate=rate, burst=burst)
    _new(*made, file, as_json)


def _rotate(file: Path, name: str, overlap: str, days: float | None, as_json: bool) -> None:
    from wholefit.base.budget import Budget
    from wholefit.serving.access import KeyFile

    seconds = 0.0 if overlap.strip() in ("0", "0s") else Budget.parse(overlap).seconds
    if seconds is None:
        raise typer.BadParameter(f"--overlap must be a time, such as 24h; got {overlap!r}.")
    _new(*KeyFile(file).rotate(name, overlap=seconds, days=days), file, as_json)


def _new(key: Any, token: str, file: Path, as_json: bool) -> None:
    """The key itself: the only thing on standard output, so that a pipe can take it."""
    if as_json:
        _show.as_json({**_told(key), "key": token})
        return
    _show.say(token)
    until = f", until {key.expires}" if key.expires else ""
    _show.aside(f"{key.name}: {', '.join(key.scopes)}{until}; {file} keeps its hash alone: this "
                "is the only time that the key is shown.")


def _list(file: Path, as_json: bool) -> None:
    from wholefit.serving.access import KeyFile

    if not file.exists():
        raise AccessError(f"there is no file of keys {str(file)!r}; `wholefit keys add` makes one.")
    found = KeyFile(file).listed()
    if as_json:
        _show.as_json([_told(key) for key in found])
        return
    _show.table(["name", "id", "state", "scopes", "created", "expires", "rate"], [
        [key.name, key.id, key.state(), ", ".join(key.scopes), key.created, key.expires or "never",
         "" if key.rate is None else f"{key.rate:g}/s"] for key in found])


def _revoke(file: Path, name: str, as_json: bool) -> None:
    from wholefit.serving.access import KeyFile

    ended = KeyFile(file).revoke(name)
    if as_json:
        _show.as_json([_told(key) for key in ended])
        return
    _show.say(f"{len(ended)} of {name} revoked; a server that runs knows it within a second."
              if ended else f"{name} was revoked before.")


def _told(key: Any) -> dict[str, Any]:
    """What is known of a key, without its hash."""
    return {"id": key.id, "name": key.name, "state": key.state(), "scopes": list(key.scopes),
            "created": key.created, "expires": key.expires, "revoked": key.revoked,
            "rate": key.rate, "burst": key.burst}


def _signing(file: Path, name: str, passphrase: str | None) -> None:
    from wholefit.artifact import keyfiles
    from wholefit.base.keysource import secret

    under = None if passphrase is None else secret(passphrase, what="the passphrase")
    line = keyfiles.make(file, name, under)
    _show.say(line)
    _show.aside(f"{file} signs and is nobody else's to see; {file}.pub is for those who are to "
                "trust it.")


def _sealing(file: Path) -> None:
    from wholefit.artifact import keyfiles
    from wholefit.base.sealing import VARIABLE, new_key

    keyfiles.write_private(file, new_key() + b"\n")
    _show.say(f"{file} written: who has it can read what it seals, and without it nobody can; "
              f"{VARIABLE}=file:{file} tells every command of it.")


def _audit(file: Path, source: str | None, as_json: bool) -> None:
    from wholefit.serving.access.audit import Audit, secret_of

    if not file.exists():
        raise AccessError(f"there is no record {str(file)!r}; `wholefit serve --audit` makes one.")
    with Audit(file, secret=secret_of(source)) as record:
        count, fault = record.verify()
        entries, last = record.entries(), record.last
    if as_json:
        _show.as_json({"entries": [vars(entry) for entry in entries], "count": count,
                       "last": last, "fault": fault})
    else:
        _show.table(["number", "at", "event", "facts"], [
            [str(entry.number), entry.at, entry.event,
             ", ".join(f"{name}={value}" for name, value in entry.facts.items())]
            for entry in entries])
    if fault is not None:
        raise AccessError(f"the record {file} is not as it was written: {fault}.")
    if not as_json:
        _show.say(f"the chain of {count:,} entries holds; its last checksum is {last}")
