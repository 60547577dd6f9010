"""Models that older versions wrote still give a page, a card and JSON; what they lack is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import wholefit as wf
from wholefit import artifact
from wholefit.base import tasks

from ._reader import Reader, inert

pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")
MUSEUM = Path(__file__).parents[1] / "artifact" / "museum"
# One of them holds every type of array, and is no model.
OLD = [path for path in sorted(MUSEUM.glob("*.wf")) if "schema" in artifact.read(path).record]


@pytest.mark.parametrize("path", OLD, ids=lambda path: path.stem)
def test_a_model_of_an_older_version_can_be_reported(path: Path, tmp_path: Path) -> None:
    made = wf.load(path)
    page = made.report(tmp_path / "r.html").read_text()
    read = Reader(page)
    assert read.faults == [] and "<script" not in inert(page)
    assert "a fault of wholefit" not in read.text
    assert made.report(tmp_path / "r.md").read_text().startswith("# Model card")
    told = json.loads(made.report(tmp_path / "r.json").read_text())
    assert told["task"] == made.task
    record = artifact.read(path).record
    if record["task"] in tasks.names(supervised=True) and "reliance" not in record["exhibits"]:
        assert "does not hold what its answers lean on" in read.text
        assert "does not hold where it fails" in read.text


def test_every_task_is_among_them() -> None:
    assert len(OLD) >= 50
    seen = {artifact.read(path).record["task"] for path in OLD}
    assert seen >= set(tasks.names(supervised=True)) | set(tasks.names(supervised=False))
