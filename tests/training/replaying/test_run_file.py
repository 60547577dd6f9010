"""The run file: the same text for the same run, read back whole, and refused where it is not."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from wholefit.base.errors import ArtifactError, DataError
from wholefit.training.replaying import Asked, Script, Trace, Turn, run_file


def trace() -> Trace:
    turns = (
        Turn("dummy", "dummy", 5),
        Turn("mlp", "mlp(width=3)", 2, "stopped", 'its "time" was up\n', (3, 4),
             ([{"plan": [[8, 90], [20, 70]], "steps": 61}], [], [{"plan": []}])),
        Turn("mein Modell", None, 0, "failed", "ß\x7f\\"))
    return Trace(
        asked=Asked("classification", {"target": "ja/nein"}, {"ß": "text"}, {"delimiter": "\t"},
                    {"seed": 3, "positive": True, "choose": "best"},
                    {"features": {"degree": 2}, "costs": {"no": {"yes": 1.0}},
                     "clean": {"version": 1, "step": [{"do": "fill"}, {"do": "drop"}]}},
                    "log_loss", "60s", ("metric",)),
        script=Script(turns, "dummy", {
            "race": True, "folds": 5, "workers": 2, "threads": 1, "share": 0.25, "lent": False,
            "said": ["a", "b"],
            "cost": {"dummy": 0.5}, "second": ["ridge"]}),
        lineage={"wholefit": "1", "libraries": {"numpy": "2"}, "jobs": 1},
        data={"source": "ü.csv", "rows": 7, "hash": "ab"},
        columns={"a b": "numeric", "y": "target"},
        split="5-fold", metric="log_loss", parts={"model/ridge 1": "cd"},
        scores={"dummy": {"log_loss": [0.1, None, 1e-300], "recall@precision=0.5": [1.0, 0.0, 1.0]},
                "ensemble": {"log_loss": [0.2, 0.1, 0.3]}},
        answers={"dummy": "ef", "ensemble": "01"}, decision={"threshold": 0.5})


def test_it_comes_back_whole_and_is_written_alike(tmp_path: Path) -> None:
    path, was = tmp_path / "run.toml", trace()
    path.write_text(run_file.text(was), encoding="utf-8")
    found = run_file.read(path)
    assert run_file.text(found) == run_file.text(was)
    assert found.asked == was.asked and found.scores == was.scores
    assert found.script.turns[0] == was.script.turns[0]
    assert found.script.by_configuration() == was.script.by_configuration()
    assert (found.answers, found.parts, found.decision) == (was.answers, was.parts, was.decision)
    assert found.script.decided == was.script.decided


def test_a_fact_has_a_line() -> None:
    text = run_file.text(trace())
    assert tomllib.loads(text)["turn"][0]["scores"]["log_loss"] == [0.1, "none", 1e-300]
    for line in ('options.seed = 3', 'libraries.numpy = "2"', 'special.target = "ja/nein"',
                 '"a b" = "numeric"', 'scores."recall@precision=0.5" = [1.0, 0.0, 1.0]'):
        assert line in text.splitlines()


@pytest.mark.parametrize("text", [
    "", "format = 2\n", "not toml", "format = 1\n", "format = 1\nturn = 3\n",
    'format = 1\n[came_out]\nchosen = "x"\n', "format = 1\n[asked]\ntask = 3\n[rows]\n[columns]\n"
    "[came_out]\nfolds='a'\nmetric='b'\nchosen='c'\n[parts]\n[made_by]\n", "\ufeff", "[" * 9999])
def test_what_is_no_run_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ArtifactError, match=r"run\.toml|cannot be read"):
        run_file.read(path)


def test_a_missing_or_unreadable_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        run_file.read(tmp_path / "no.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ArtifactError, match="not a run file"):
        run_file.read(tmp_path / "bytes.toml")


def test_a_file_brings_no_query_and_no_folder_along() -> None:
    stored = {**trace().asked.to_json(), "reading": {
        "query": "drop table x", "image_folder": "/etc", "sheet": "1"}}
    assert Asked.from_json(stored).reading == {"sheet": "1"}
