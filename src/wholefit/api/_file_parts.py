"""What a model file is made of: what answers, and the record of the fit beside it."""

from __future__ import annotations

import zipfile
from pathlib import Path

_DRIFT, _INTERVALS, _STATES = "reference/", "states/calibration/", "states/"


def file_parts(path: Path) -> dict[str, int]:
    """Bytes of a model file by what they are for; together they are the whole file.

    "answers" (model, encoder), "intervals" (errors kept to tell how sure an answer is), "drift" (a
    sketch of the rows), and "record": schema, scores, the report's pictures, how it was made, and
    the file's own list of members.
    """
    found = {"answers": 0, "intervals": 0, "drift": 0}
    with zipfile.ZipFile(path) as file:
        for member in file.infolist():
            name = member.filename
            part = "drift" if name.startswith(_DRIFT) else "intervals" if name.startswith(
                _INTERVALS) else "answers" if name.startswith(_STATES) else ""
            if part:
                found[part] += member.compress_size
    return {**found, "record": path.stat().st_size - sum(found.values())}


def too_large(path: Path, most: int) -> str:
    """A sentence where a file is larger than its model was allowed to be; else nothing."""
    size = path.stat().st_size
    if size <= most:
        return ""
    part = file_parts(path)
    beside = [f"{part['record']:,} of schema, scores, the report's pictures and how it was made"]
    beside += [f"{part['intervals']:,} to tell intervals"] if part["intervals"] else []
    beside += [f"{part['drift']:,} to tell drift"] if part["drift"] else []
    return (f"the saved file takes {size:,} bytes, more than model_size={most:,}, which bounds "
            f"what answers: {part['answers']:,} of them. The others are the record of the fit: "
            f"{'; '.join(beside)}. To ship what answers without it, export the model "
            "(result.export, wholefit export).")
