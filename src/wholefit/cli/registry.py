"""`wholefit registry`, `wholefit rollback`: versions of models, which is served, and who decided.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wholefit.base.errors import WholefitError, unknown
from wholefit.cli import _show
from wholefit.cli._app import command
from wholefit.cli._options import Force, Json, option
from wholefit.cli._places import check_free

if TYPE_CHECKING:
    from wholefit.artifact.registry import Registry, Version

Folder = Annotated[Path | None, option(
    "Folder of the registry; that of the environment variable WHOLEFIT_REGISTRY, else registry.",
    "FOLDER")]
Why = Annotated[str, option("Why: it stays in the trail.", "TEXT")]
By = Annotated[str | None, option("Who; the user of the system.", "NAME")]


@command("registry")
def registry(
    action: Annotated[str, typer.Argument(
        help="list, add, versions, promote, rollback, traffic, shadows, events, get, remove, "
        "check, tidy or mirror.", metavar="ACTION")] = "list",
    words: Annotated[list[str] | None, typer.Argument(
        help="A model's name, and what the action takes: a file, a version, shares.",
        metavar="[WORDS]...")] = None,
    registry: Folder = None,
    name: Annotated[str | None, option("For add: the model's name; the file's.", "NAME")] = None,
    parent: Annotated[int | None, option("For add: the version it was made from.", "N")] = None,
    out: Annotated[Path | None, option("For get: the file to write.", "FILE")] = None,
    why: Why = "",
    by: By = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Keep versions of models in a folder: which is served, which share requests, and every change.

    wholefit registry add churn.wf --name churn

    wholefit registry promote churn 1 --why "the first"

    wholefit registry traffic churn 1=0.9 2=0.1

    wholefit registry shadows churn 3 (none ends them)

    wholefit registry versions churn; events churn; get churn 2 --out old.wf; check
    """
    from wholefit.artifact.registry import Registry, folder_of

    if action not in _ACTIONS:
        raise unknown("action of the registry", action, _ACTIONS)
    least, most, usage, do = _ACTIONS[action]
    given = list(words or [])
    if not least <= len(given) <= most:
        raise typer.BadParameter(f"wholefit registry {action} takes {usage or 'no more words'}; "
                                 f"got {' '.join(given) or 'nothing'}.")
    with Registry(folder_of(registry), make=action == "add") as opened:
        told = do(opened, given, {"name": name, "parent": parent, "out": out, "why": why,
                                  "by": by, "force": force})
    _tell(told, as_json)


@command("rollback")
def rollback(
    name: Annotated[str, typer.Argument(help="The model's name.", metavar="NAME")],
    registry: Folder = None,
    why: Why = "",
    by: By = None,
    as_json: Json = False,
) -> None:
    """Serve again what was served before the last promotion; a running server follows at once."""
    from wholefit.artifact.registry import Registry, folder_of

    with Registry(folder_of(registry), make=False) as opened:
        _tell(_rollback(opened, [name], {"why": why, "by": by}), as_json)


Told = tuple[str | None, _show.Table | None, Any]


def _tell(told: Told, as_json: bool) -> None:
    said, table, plain = told
    if as_json:
        _show.as_json(plain)
        return
    if said is not None:
        _show.say(said)
    if table is not None and table[1]:
        _show.table(*table)


def _list(opened: Registry, given: list[str], options: dict[str, Any]) -> Told:
    rows, plain = [], []
    for name in opened.names():
        served, shares = opened.served(name), opened.traffic(name)
        plain.append({"name": name, "versions": len(opened.versions(name)),
                      "served": served and served.number, "traffic": shares,
                      "shadows": opened.shadows(name)})
        rows.append([name, str(plain[-1]["versions"]),
                     "none" if served is None else str(served.number), _shares(shares),
                     ", ".join(map(str, opened.shadows(name)))])
    said = None if rows else f"{opened.folder} holds no models yet: wholefit registry add FILE"
    return said, (["model", "versions", "served", "shares", "shadows"], rows), plain


def _add(opened: Registry, given: list[str], options: dict[str, Any]) -> Told:
    name = options["name"] or Path(given[0]).name.split(".")[0]
    found = opened.add(given[0], name, options["parent"], by=options["by"], why=options["why"])
    return (f"{given[0]} is {found}; serve it: wholefit registry promote {name} {found.number}",
            None, found.to_json())


def _versions(opened: Registry, given: list[str], options: dict[str, Any]) -> Told:
    opened.version(given[0], _first(opened, given[0]))
    served, shares, shadows = (opened.served(given[0]), opened.traffic(given[0]),
                               opened.shadows(given[0]))
    rows = []
    for each in opened.versions(given[0]):
        state = [f"{shares[each.number]:.0%} of requests"] if each.number in shares else []
        state += ["served"] if served and served.number == each.number else []
        state += ["shadow"] if each.number in shadows else []
        rows.append([str(each.number), each.at[:16].replace("T", " "),
                     str(each.facts.get("model", "")), _score(each),
                     "" if each.parent is None else str(each.parent), f"{each.size / 1e6:.3g} MB",
                     each.sha256[:12], ", ".join(state)])
    header = ["version", "added", "model", "score", "parent", "size", "sha256", "state"]
    return None, (header, rows), [each.to_json() for each in opened.versions(given[0])]


def _promote(opened: Registry, given: list[str], options: dict[str, Any]) -> Told:
    found = opened.promote(given[0], _number(given[1]), options["by"], options["why"])
    return f"{found} is served", None, found.to_json()


def _rollback(opened: Registry, given: list[str], options: dict[str, Any]) -> Told:
    before = opened.served(given[0])
    found = opened.rollback(given[0], options["by"], options["why"])
    return (f"{found} is served again, and version {before.number if before else '?'} no more",
            None, found.to_json())


def _traffic(opened: Registry, given: list[str], options: dict[str, Any]) -> Told:
    if len(given) > 1:
        opened.set_traffic(given[0], dict(_share(word) for word in given[1:]), options["by"],
                           options["why"])
    else:
        opened.version(given[0])
    shares = opened.traffic(given[0])
    return f"{given[0]}: {_shares(shares)}", None, shares


def _shadows(opened: Registry, given: list[str], options: dict[str, Any]) -> Told:
    if len(given) > 1:
        wanted = [] if given[1:] == ["none"] else [_number(word) for word in given[1:]]
        opened.set_shadows(given[0], wanted, options["by"], options["why"])
    found = opened.shadows(given[0])
    return f"{given[0]}: {', '.join(map(str, found)) or 'no shadows'}", None, found


def _events(opened: Registry, given: list[str], options: dict[str, Any]) -> Told:
    found = opened.events(given[0] if given else None)
    rows = [[str(each.place), each.at[:19].replace("T", " "), each.name, each.action,
             "" if each.number is None else str(each.number), each.by, each.why]
            for each in found]
    return None, (["change", "at", "model", "action", "version", "by", "why"], rows), [
        each.to_json() for each in found]


def _get(opened: Registry, given: list[str], options: dict[str, Any]) -> Told:
    found = opened.version(given[0], _number(given[1]) if len(given) > 1 else None)
    out = options["out"] or Path(f"{given[0]}-{found.number}.wf")
    check_free([out], str(found.path), options["force"])
    shutil.copyfile(found.path, out)
    return f"{found} written to {out}", None, found.to_json()


def _remove(opened: Registry, given: list[str], options: dict[str, Any]) -> Told:
    opened.remove(given[0], _number(given[1]), options["by"], options["why"])
    return f"version {given[1]} of {given[0]} is removed", None, {"removed": given}


def _check(opened: Registry, given: list[str], options: dict[str, Any]) -> Told:
    facts = opened.check()
    wrong = [fact for fact in facts if not fact.ok]
    if wrong:
        raise WholefitError("; ".join(f"{fact.about}: {fact.message}" for fact in wrong[:10]))
    return (f"all is well: {len(facts)} things looked at",
            (["what", "found"], [[fact.about, fact.message] for fact in facts]),
            [fact.__dict__ for fact in facts])


def _tidy(opened: Registry, given: list[str], options: dict[str, Any]) -> Told:
    count = opened.tidy()
    return f"{count} files that no version names are deleted", None, {"deleted": count}


def _mirror(opened: Registry, given: list[str], options: dict[str, Any]) -> Told:
    from wholefit.artifact.registry.mirror import mirror

    count = mirror(opened, given[0])
    return f"{count} versions are new in MLflow", None, {"new": count}


Action = Callable[["Registry", list[str], dict[str, Any]], Told]
# Fewest and most words of each action, what they are, and what does it.
_ACTIONS: dict[str, tuple[int, int, str, Action]] = {
    "list": (0, 0, "", _list),
    "add": (1, 1, "FILE", _add),
    "versions": (1, 1, "NAME", _versions),
    "promote": (2, 2, "NAME VERSION", _promote),
    "rollback": (1, 1, "NAME", _rollback),
    "traffic": (1, 20, "NAME, and shares such as 1=0.9 2=0.1", _traffic),
    "shadows": (1, 20, "NAME, and versions or the word none", _shadows),
    "events": (0, 1, "a NAME, or nothing", _events),
    "get": (1, 2, "NAME and perhaps a VERSION", _get),
    "remove": (2, 2, "NAME VERSION", _remove),
    "check": (0, 0, "", _check),
    "tidy": (0, 0, "", _tidy),
    "mirror": (1, 1, "the URI of MLflow", _mirror),
}


def _number(word: str) -> int:
    if not word.isascii() or not word.isdigit():
        raise typer.BadParameter(f"a version must be a whole number; got {word!r}.")
    return int(word[:12])


def _share(word: str) -> tuple[int, float]:
    number, _, share = word.partition("=")
    try:
        return _number(number), float(share.removesuffix("%")) / (
            100 if share.endswith("%") else 1)
    except ValueError:
        raise typer.BadParameter(f"a share must be VERSION=SHARE, such as 2=0.1 or 2=10%; got "
                                 f"{word!r}.") from None


def _shares(shares: dict[int, float]) -> str:
    return ", ".join(f"{number}: {share:.4g}" for number, share in shares.items()) or "none"


def _score(version: Version) -> str:
    score, metric = version.facts.get("score"), version.facts.get("metric")
    value = score.get("value") if isinstance(score, dict) else None
    return "" if not isinstance(value, (int, float)) else f"{metric} {value:.4g}"


def _first(opened: Registry, name: str) -> int:
    found = opened.versions(name)
    return found[0].number if found else 0
