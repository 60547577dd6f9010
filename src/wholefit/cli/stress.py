"""`wholefit stress`: would a model hold if rows were not as they should be?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from wholefit.cli import _show
from wholefit.cli._app import command, importable, pairs
from wholefit.cli._options import Force, Json, Seed, option
from wholefit.cli._places import check_free
from wholefit.cli._progress import told
from wholefit.cli._reading import READ, Reading
from wholefit.cli.use import Held, Model, Policy, check_order

_SHOWN = 20


@command("stress")
def stress(
    model: Model,
    source: Held,
    metric: Annotated[str | None, option(
        "What costs are told in; what the model was chosen by if left out.", "METRIC")] = None,
    most: Annotated[int, option("Most rows asked.", "N")] = 5000,
    seed: Seed = 0,
    policy: Policy = None,
    reading: Reading = READ,
    out: Annotated[Path | None, option(
        "Also write one HTML page with pictures.", "FILE")] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Would a model hold: noise, missing columns, shifted units, inputs made to fool it.

    Each change is made to rows that it has not seen, and told with what it costs, an interval,
    and the share of rows decided otherwise.

    wholefit stress churn.wf held-out.csv
    """
    import wholefit as wf

    if out is not None:
        check_free([out], source, force)
    importable(metric)
    check_order(model, source)
    with told(as_json) as said:
        found = wf.load(model).stress(
            source, metric=metric, most=most, seed=seed,
            **pairs(policy, "--policy", plain=False),
            **reading)
    page = None if out is None else str(found.report(out, force=force))
    if as_json:
        _show.as_json({**found.to_json(), "report": page})
        return
    for sentence in said:
        _show.aside(sentence)
    header, rows = found.table()
    if _show.narrow():
        header = [header[0], f"{header[1]} (* sure)"]
        rows = [[words, f"{cost} *" if sure else cost] for words, cost, sure, _ in rows]
    _show.table(header, rows[:_SHOWN])
    if len(rows) > _SHOWN:
        _show.say(f"... and {len(rows) - _SHOWN} that cost less (--json and --out have all)")
    _show.say()
    for sentence in found.to_text().splitlines():
        _show.say(_show.wrapped(sentence))
    if page is not None:
        _show.say(f"saved {page}")
