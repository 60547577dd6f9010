"""What deepchecks says of planted tables; run by the Python of an environment that has it.

    PEER_PYTHON -W ignore peer.py MANIFEST.json

The manifest lists tables: path, target, whether the target is a class. Its default conditions
decide: a check that does not pass counts, with the columns that it shows. It needs NumPy 1 and
scikit-learn below 1.6 (release 0.19.1 is its last), so it cannot live beside wholefit.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import pandas as pd
from deepchecks.tabular import Dataset
from deepchecks.tabular.checks import (
    DataDuplicates,
    FeatureLabelCorrelation,
    IdentifierLabelCorrelation,
    MixedDataTypes,
    StringMismatch,
)

# The threshold of its own condition.
_PPS = 0.8


def main(manifest: str) -> None:
    """Print one JSON object: path to the names of checks and columns that are at fault."""
    with open(manifest, encoding="utf-8") as file:
        tables = json.load(file)
    print(json.dumps({table["path"]: looked(table) for table in tables}))


def looked(table: dict[str, Any]) -> list[list[str]]:
    """Pairs of check and column ("" where it is about rows)."""
    frame = pd.read_csv(table["path"], low_memory=False)
    words = [name for name in frame if frame[name].dtype == object and name != table["target"]]
    found = []
    try:
        data = Dataset(frame, label=table["target"], cat_features=words,
                       label_type="multiclass" if table["classes"] else "regression")
        scores = FeatureLabelCorrelation(n_samples=3000).run(data).value
        found += [["leak", name] for name, score in scores.items() if score > _PPS]
        if "case_id" in frame:
            apart = Dataset(frame, label=table["target"], cat_features=words, index_name="case_id",
                            label_type="multiclass" if table["classes"] else "regression")
            said = IdentifierLabelCorrelation().run(apart).value
            found += [["leak", name] for name, score in said.items() if score > 0]
    except Exception as error:  # it refuses some tables: nothing was found in them
        print(f"{table['path']}: {type(error).__name__}: {error}"[:200], file=sys.stderr)
    bare = Dataset(frame, cat_features=words)
    if DataDuplicates().run(bare).value > 0:
        found.append(["copies", ""])
    mixed = MixedDataTypes().run(bare).value
    found += [["damage", name] for name, share in mixed.items()
              if share and min(share.get("numbers", 0), share.get("strings", 0)) > 0]
    spelt = StringMismatch().run(bare).value
    found += [["spelling", name] for name, groups in spelt["columns"].items() if groups]
    return found


if __name__ == "__main__":
    main(sys.argv[1])
