"""A folder of tables, one file a part: runs the parts that are asked for, a page for each."""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import sys
import traceback

from benchmarks import _tools


def main(package: str, title: str, libraries: tuple[str, ...]) -> None:
    """`python -m benchmarks.<package> [PART ...]`: each part's page goes to results/.

    A part is a file with `table(peer, short) -> lines`; `libraries` are named with the machine.
    """
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{package}")
    parser.add_argument("--peer-python",
                        default=os.environ.get(f"{package.upper()}_PEER_PYTHON"))
    parser.add_argument("--short", action="store_true")
    parser.add_argument("parts", nargs="*", metavar="PART")
    asked = parser.parse_args()
    known = parts(package)
    wrong = sorted(set(asked.parts) - set(known))
    if wrong:
        parser.error(f"no part is named {', '.join(wrong)}; parts: {', '.join(known)}")
    failed: list[str] = []
    for name in asked.parts or known:
        found = section(package, name, asked.peer_python, asked.short, failed)
        text = "\n".join([
            f"# {title}: {name}", "", *found, "", _tools.machine("wholefit", *libraries), "",
            f"Made by `python -m benchmarks.{package} {name}`."])
        if asked.short or name in failed:
            print(text)
        else:
            _tools.save(f"{package}_{name}", text)
    sys.exit(1 if failed else 0)


def parts(package: str) -> list[str]:
    """The names of the parts, in alphabetical order."""
    here = importlib.import_module(f"benchmarks.{package}").__path__
    return sorted(m.name for m in pkgutil.iter_modules(here) if not m.name.startswith("_"))


def section(
    package: str, name: str, peer: str | None, short: bool, failed: list[str]
) -> list[str]:
    """The lines of one part; a part that fails says so and does not stop the others."""
    print(f"{name} ...", file=sys.stderr, flush=True)
    try:
        part = importlib.import_module(f"benchmarks.{package}.{name}")
        found: list[str] = part.table(peer, short)
    except Exception:
        failed.append(name)
        return ["```", traceback.format_exc().rstrip(), "```"]
    return found
