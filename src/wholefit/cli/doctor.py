"""`wholefit doctor`: what is installed, what each extra would add, and the exact command."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import sys
from typing import Annotated, Any

import typer

from wholefit._version import __version__
from wholefit.base.cores import cores
from wholefit.cli import _show
from wholefit.cli._app import command

_ADDS = {
    "boost": "LightGBM, XGBoost and CatBoost in the catalog",
    "excel": "reading and writing Excel files",
    "sql": "reading from databases by URL",
    "arrow": "pyarrow tables in and out",
    "pandas": "pandas tables in and out (wholefit needs none of its own)",
    "export": "ONNX files and the ONNX runtime",
    "maps": "UMAP and openTSNE maps in the catalog",
    "images": "pictures: folders of them, tables that name some, encoded bytes",
    "deep": "networks in the catalog: tables, pictures, texts, sequences, generation",
    "text": "byte pairs, and pretrained encoders of texts",
    "track": "curves of a training for TensorBoard",
    "tune": "Bayesian search of settings",
    "serve": "answers of models over HTTP",
    "trace": "spans of a server's requests for OpenTelemetry",
    "secure": "signatures of models, and seals that only a key opens",
    "tensorflow": "Keras models of your own",
}
_SYSTEM = re.compile(r"platform_system\s*(==|!=)\s*['\"](\w+)['\"]")
_REQUIREMENT = re.compile(r"([A-Za-z0-9_.-]+).*extra\s*==\s*['\"]([a-z]+)['\"]")


@command("doctor")
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="JSON, for machines.")] = False,
) -> None:
    """Tell what is installed here, what each extra would add, and how to get it."""
    found = examine()
    if as_json:
        _show.as_json(found)
        return
    for name in ("wholefit", "python", "platform", "cores", "memory"):
        _show.say(f"{name:10} {found[name]}")
    _show.say()
    _show.table(["core library", "version"], [list(pair) for pair in found["core"].items()])
    _show.say()
    rows = []
    for extra in found["extras"]:
        there = "installed" if not extra["missing"] else "missing " + ", ".join(extra["missing"])
        rows.append([extra["name"], there, extra["adds"], extra["command"]])
    _show.table(["extra", "state", "adds", "command"], rows)
    for name, reason in found["broken_plugins"].items():
        _show.say(f"a third party's model {name} cannot be loaded: {reason}")


def examine() -> dict[str, Any]:
    """Everything that doctor says, as data."""
    from wholefit import models

    return {
        "wholefit": __version__, "python": f"{platform.python_version()} ({sys.executable})",
        "platform": platform.platform(), "cores": cores(), "memory": _memory(),
        "core": {name: _version(name) for name in
                 ("numpy", "scipy", "scikit-learn", "polars", "typer", "rich")},
        "extras": _extras(), "broken_plugins": models.broken(),
    }


def _extras() -> list[dict[str, Any]]:
    found: dict[str, list[str]] = {name: [] for name in _ADDS}
    for requirement in _requirements():
        match = _REQUIREMENT.match(requirement)
        if match and match.group(2) in found and _is_for_this_system(requirement):
            found[match.group(2)].append(match.group(1))
    return [
        {"name": name, "needs": needs, "missing": [n for n in needs if _version(n) == "missing"],
         "adds": _ADDS[name], "command": f"pip install 'wholefit[{name}]'"}
        for name, needs in found.items()
    ]


def _is_for_this_system(requirement: str) -> bool:
    """False where a requirement names another operating system than this one."""
    named = _SYSTEM.search(requirement)
    return named is None or (named.group(1) == "==") == (named.group(2) == platform.system())


def _requirements() -> list[str]:
    """What wholefit's own metadata asks for; nothing where it runs from a folder, uninstalled."""
    try:
        return importlib.metadata.requires("wholefit") or []
    except importlib.metadata.PackageNotFoundError:
        return []


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "missing"


def _memory() -> str:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return "unknown"
    return f"{total / 2**30:.1f} GiB"
