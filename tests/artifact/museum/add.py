"""Put an artifact into the museum.

    python add.py model.wf --name NAME [--rows rows.npy] [--table rows.csv]

`--rows` keeps what the state named "model" answers to encoded rows, `--table` what the whole
model says of the rows of a table.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from wholefit import artifact
from wholefit.base.state import State

HERE = Path(__file__).parent


def label(package: artifact.Package) -> dict[str, Any]:
    """What the exhibit must be found to hold."""
    return {
        "format": package.format,
        "writer": package.writer,
        "sha256": package.sha256,
        "record": hashlib.sha256(json.dumps(package.record).encode()).hexdigest(),
        "reference": {name: hashlib.sha256(data).hexdigest()
                      for name, data in package.reference.items()},
        "states": {name: dict(contents(state)) for name, state in package.states.items()},
    }


def contents(state: State, at: str = "") -> Iterator[tuple[str, str]]:
    """Place and description of all that a state holds, its parts included."""
    yield f"{at}kind", state.kind
    yield f"{at}config", hashlib.sha256(json.dumps(state.config).encode()).hexdigest()
    for name, array in state.arrays.items():
        digest = hashlib.sha256(array.tobytes()).hexdigest()
        yield f"{at}{name}", f"{array.dtype.str} {list(array.shape)} {digest}"
    for name, data in state.blobs.items():
        yield f"{at}{name} (blob)", hashlib.sha256(data).hexdigest()
    for name, part in state.parts.items():
        yield from contents(part, f"{at}{name}/")


def answer(package: artifact.Package, rows: np.ndarray) -> np.ndarray:
    """What the state named "model" answers to encoded rows."""
    from wholefit.models._scorers import scorer

    return np.asarray(scorer(package.states["model"]).answer(rows))


def said(path: Path, table: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the whole model says of the rows of a table; reasons apart, whose words may change."""
    import polars as pl

    import wholefit as wf

    rows = wf.load(path).answers(pl.DataFrame(table)).to_dicts()
    return [{name: value for name, value in row.items() if name != "why"} for row in rows]


def add(path: Path, name: str, rows: np.ndarray | None = None, folder: Path = HERE,
        table: list[dict[str, Any]] | None = None) -> None:
    """Copy an artifact into the museum with its label, and its answers if rows are given."""
    case = folder / f"{name}.wf"
    if case.exists():
        raise SystemExit(f"{case.name} is in the museum already; exhibits are never replaced.")
    data = path.read_bytes()
    package = artifact.read(data)
    asked = {} if table is None else {"asked": table, "said": said(path, table)}
    text = json.dumps({**label(package), "answers": rows is not None, **asked}, indent=1)
    (folder / f"{name}.json").write_text(text + "\n")
    if rows is not None:
        np.savez(folder / f"{name}.npz", X=rows, answer=answer(package, rows))
    case.write_bytes(data)


def _table(path: Path) -> list[dict[str, Any]]:
    from wholefit import data

    return list(data.read(path).frame.to_dicts())


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("artifact", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--rows", type=Path)
    parser.add_argument("--table", type=Path)
    given = parser.parse_args()
    rows = None if given.rows is None else np.load(given.rows, allow_pickle=False)
    table = None if given.table is None else _table(given.table)
    add(given.artifact, given.name, rows, table=table)


if __name__ == "__main__":
    main()
