"""`wholefit worth`: which columns are worth what they cost."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from wholefit.cli import _show
from wholefit.cli._app import command, importable, pairs
from wholefit.cli._options import Groups, Jobs, Json, Role, Seed, Time, Weights, option
from wholefit.cli._progress import told
from wholefit.cli._reading import READ, Reading
from wholefit.cli.curves import Folds, Metric, Model, Source, Spend, Target


@command("worth")
def worth(
    source: Source,
    target: Target,
    price: Annotated[list[str] | None, option(
        "What a row of a column costs; columns without a price are free. May be repeated; all "
        "cost 1 if left out.", "COLUMN=NUMBER")] = None,
    prices: Annotated[Path | None, option(
        "A TOML file with a table [prices], and [together] for columns that are had together: "
        "'blood test' = ['iron', 'sugar'].", "FILE")] = None,
    model: Model = None,
    metric: Metric = None,
    folds: Folds = 5,
    budget: Spend = "5min",
    groups: Groups = None,
    time: Time = None,
    weights: Weights = None,
    role: Role = None,
    jobs: Jobs = None,
    seed: Seed = 0,
    reading: Reading = READ,
    as_json: Json = False,
) -> None:
    """Say which columns are worth what they cost: the score that less and less money buys.

    Columns that tell least for their price are given up one after another, on training rows;
    what is left answers rows that took no part in that.

    wholefit worth patients.csv --target ill --price scan=400 --price "blood count=12"
    """
    import wholefit as wf

    said_prices, together = _file(prices)
    said_prices.update(pairs(price, "--price"))
    importable(metric)
    with told(as_json) as said:
        found = wf.worth(
            source, target=target, prices=said_prices or None, together=together or None,
            model=model, metric=metric, folds=folds, budget=budget, groups=groups, time=time,
            weights=weights, jobs=jobs, seed=seed,
            roles=pairs(role, "--role", plain=False) or None, **reading)
    if as_json:
        _show.as_json(found.to_json())
        return
    for sentence in said:
        _show.say(sentence)
    _show.table(*found.parts_table())
    _show.say()
    _show.table(*found.table())
    _show.say()
    for sentence in found.said:
        _show.say(_show.wrapped(sentence))


def _file(path: Path | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """The two tables of a file of prices."""
    if path is None:
        return {}, {}
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise typer.BadParameter(f"--prices {path} cannot be read: {error}.") from None
    wrong = sorted(set(found) - {"prices", "together"})
    kinds = [name for name in ("prices", "together") if not isinstance(found.get(name, {}), dict)]
    lists = [name for name, columns in dict(found.get("together") or {}).items()
             if not isinstance(columns, list)] if not kinds else []
    if wrong or kinds or lists:
        raise typer.BadParameter(
            f"--prices {path} must have tables [prices] and [together] only, the second with "
            f"lists of columns; see {', '.join(wrong + kinds + lists)}.")
    return dict(found.get("prices", {})), dict(found.get("together", {}))
