"""Fits without a target from the command line: told, saved, shown, asked, reported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.unlabelled import several, spoken

from wholefit.base import tasks
from wholefit.report._script import SCRIPT

WORDS: dict[str, list[str]] = {
    "anomaly": [], "clustering": [], "generation": [], "reduction": [],
    "association": ["--basket", "order", "--item", "product"],
    "multilabel": ["--target", "warm,dry,late"],
    "translation": ["--target", "words", "--set", "text=time"],
    "recommendation": ["--user", "user", "--item", "film", "--rating", "stars"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small file for each task."""
    place = tmp_path_factory.mktemp("unlabelled")
    rng = np.random.default_rng(0)
    side = np.arange(90) % 3
    rows = pl.DataFrame({"key": [f"r{at:02d}" for at in range(90)],
                         "a": rng.normal(size=90) + 9 * side, "b": rng.normal(size=90) - 7 * side,
                         "kind": [f"k{s}" for s in side]})
    for task in ("anomaly", "clustering", "generation", "reduction"):
        rows.write_csv(place / f"{task}.csv")
    several().write_csv(place / "multilabel.csv")
    spoken().write_csv(place / "translation.csv")
    held = [(o, i) for o in range(200) for i, p in (("bread", .5), ("jam", .3), ("tea", .3))
            if rng.random() < p]
    held += [(o, "butter") for o, i in held if i == "bread" and rng.random() < 0.7]
    pl.DataFrame(held, schema=["order", "product"], orient="row").write_csv(
        place / "association.csv")
    stars = [(f"u{u}", f"f{f}", int(np.clip(3 + (1 if u % 2 == f % 2 else -1) + rng.normal() / 2,
                                            1, 5)))
             for u in range(25) for f in range(15) if rng.random() < 0.6]
    pl.DataFrame(stars, schema=["user", "film", "stars"], orient="row").write_csv(
        place / "recommendation.csv")
    return place


@pytest.mark.parametrize("task", tasks.names(supervised=False))
def test_the_road_from_a_file_to_answers(run: Any, folder: Path, task: str) -> None:
    source = str(folder / f"{task}.csv")
    done = run("fit", source, "--task", task, *WORDS[task], "--out", "m.wf", "--report", "m.html",
               "--budget", "30s", "--jobs", "1")
    assert done.code == 0, done.err
    assert "saved m.wf and m.html" in done.out and len(done.out.splitlines()) > 5
    page = Path("m.html").read_text()
    assert "<script" not in page.replace(f"<script>{SCRIPT}</script>", "")
    assert "http-equiv" in page and len(page) < 3_000_000
    shown = run("show", "m.wf")
    assert shown.code == 0 and shown.out.strip()
    told = json.loads(run("show", "m.wf", "--json").out)
    assert told["task"] == task and told["told"]
    answers = run("predict", "m.wf", source)
    assert answers.code == 0 and len(answers.out.splitlines()) > 1, answers.err
    assert run("report", "m.wf", "--out", "again.html").code == 0
    assert Path("again.html").read_text() == page


@pytest.mark.parametrize("task", tasks.names(supervised=False))
def test_json_is_one_value(run: Any, folder: Path, task: str) -> None:
    done = run("fit", str(folder / f"{task}.csv"), "--task", task, *WORDS[task], "--out", "m.wf",
               "--json", "--budget", "30s", "--jobs", "1")
    assert done.code == 0, done.err
    assert json.loads(done.out)["saved"] == "m.wf"


@pytest.mark.parametrize(("argv", "said"), [
    (["--task", "clusterin"], "clustering"),
    (["--task", "clustering", "--target", "kind"], "has no target="),
    (["--task", "clustering", "--set", "cluster=3"], "did you mean"),
    (["--task", "clustering", "--set", "clusters=none"], "clusters"),
    (["--task", "clustering", "--user", "key"], "no use for user="),
    (["--task", "recommendation"], "--user, --item"),
    (["--target", "kind", "--basket", "key"], "is for association"),
    (["--task", "anomaly", "--models", "kmeans"], "not anomaly"),
])
def test_wrong_words_end_in_one_sentence(
    run: Any, folder: Path, argv: list[str], said: str
) -> None:
    done = run("fit", str(folder / "clustering.csv"), *argv)
    assert done.code in (1, 2) and said in done.err, done.err
    assert "Traceback" not in done.err


def test_texts_are_learnt_and_written(run: Any, tmp_path: Path) -> None:
    Path("tale.txt").write_text("\n\n".join(
        f"The {a} saw the {b},\nand the {b} saw the {a} on day {at}."
        for at in range(30) for a, b in (("cat", "dog"), ("hen", "fox"), ("boy", "owl"))))
    done = run("fit", "tale.txt", "--format", "paragraphs", "--task", "generation", "--models",
               "ngram_language_model", "--out", "tale.wf", "--report", "tale.html")
    assert done.code == 0 and "wavers between" in done.out, done.err
    assert "--format paragraphs" in Path("tale.html").read_text()
    made = run("sample", "tale.wf", "--rows", "3", "--prompt", "The h", "--temperature", "0.5",
               "--length", "40", "--json")
    texts = [row["text"] for row in json.loads(made.out)]
    assert len(texts) == 3 and all(text.startswith("The h") for text in texts), made.err
    done = run("evaluate", "tale.wf", "tale.txt")
    assert done.code == 0 and "bits_per_character" in done.out, done.err
    for wrong in (["--label", "x"], ["--top-p", "2"], ["--out", "sheet.png"]):
        done = run("sample", "tale.wf", *wrong)
        assert done.code in (1, 2) and done.err, wrong
    assert run("fit", "tale.txt", "--format", "paragraph", "--task", "generation").code != 0


def test_pairs_are_learnt_and_texts_written(run: Any, folder: Path) -> None:
    source = str(folder / "translation.csv")
    done = run("fit", source, "--task", "translation", "--target", "words", "--set", "text=time",
               "--models", "nearest_pair", "--out", "m.wf", "--report", "m.html")
    assert done.code == 0 and "from 'time' to 'words', by nearest_pair" in done.out, done.err
    assert "--target words --set text=time" in Path("m.html").read_text()
    made = run("predict", "m.wf", source)
    assert made.out.splitlines()[:2] == ["key,words", "r000,a quarter past one"]
    done = run("evaluate", "m.wf", source)
    assert done.code == 0 and "exact_match" in done.out, done.err
    done = run("explain", "m.wf", source, "--row", "3")
    assert done.code != 0 and done.err and "Traceback" not in done.err
    done = run("export", "m.wf", "--to", "onnx")
    assert done.code != 0 and "serve it" in done.err and "Traceback" not in done.err
    for wrong, said in ((["--set", "text=tim"], "did you mean 'time'"), ([], "say text="),
                        (["--set", "text=time", "--folds", "3"], "has no folds=")):
        done = run("fit", source, "--task", "translation", "--target", "words", *wrong)
        assert done.code in (1, 2) and said in done.err, done.err


def test_words_for_texts_are_refused_for_rows(run: Any, folder: Path) -> None:
    done = run("fit", str(folder / "generation.csv"), "--task", "generation", "--out", "m.wf",
               "--models", "independent_columns")
    assert done.code == 0, done.err
    done = run("sample", "m.wf", "--prompt", "The")
    assert done.code != 0 and "are for texts" in done.err
