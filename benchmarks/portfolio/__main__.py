"""See the package's docstring."""

from __future__ import annotations

import argparse

from benchmarks.portfolio import __doc__ as about
from benchmarks.portfolio import _cache
from benchmarks.portfolio._tables import CHECKED_ON, LEARNT_FROM, Table


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.portfolio", description=about,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(dest="part", required=True)
    answer = parts.add_parser("answer")
    answer.add_argument("tables", nargs="*", metavar="TABLE")
    answer.add_argument("--minutes", type=float, default=50.0)
    answer.add_argument("--later", action="store_true", help="the dear configurations too")
    learn = parts.add_parser("learn")
    learn.add_argument("--keep", action="store_true", help="write the order into the package")
    asked = parser.parse_args()
    if asked.part == "answer":
        _cache.fill(_wanted(asked.tables, parser), asked.minutes, asked.later)
    else:
        from benchmarks.portfolio import _report

        _report.make(keep=asked.keep)


def _wanted(names: list[str], parser: argparse.ArgumentParser) -> list[Table]:
    """The tables asked for; else all, so that every stop leaves both tasks and both kinds."""
    known = {table.name: table for table in (*LEARNT_FROM, *CHECKED_ON)}
    wrong = sorted(set(names) - set(known))
    if wrong:
        parser.error(f"no table is named {', '.join(wrong)}; tables: {', '.join(known)}")
    if names:
        return [known[name] for name in names]
    return mixed()


def mixed() -> list[Table]:
    """Tables in turn: two to learn from, of either task, then one to check on."""
    classes = [table for table in LEARNT_FROM if table.task == "classification"]
    numbers = [table for table in LEARNT_FROM if table.task == "regression"]
    checks = list(CHECKED_ON)
    found: list[Table] = []
    while classes or numbers or checks:
        for kind in (classes, numbers, classes, numbers, checks):
            if kind:
                found.append(kind.pop(0))
    return found


if __name__ == "__main__":
    main()
