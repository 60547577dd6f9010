"""`wholefit label` and `label-errors` as people use them: pipes, a terminal, a page, Ctrl-C."""

from __future__ import annotations

import io
import json
import os
import re
import select
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import polars as pl
import pytest

from wholefit.data import bundled

from .conftest import environment

TEXTS = [f"{'free cash now' if i % 3 == 0 else 'see you at home'} {i}" for i in range(60)]
TRUTH = {text: "spam" if "free" in text else "ham" for text in TEXTS}
BEGIN = ["label", "texts.csv", "--column", "text", "--classes", "ham,spam"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pl.DataFrame({"text": TEXTS, "n": range(60)}).write_csv(tmp_path / "texts.csv")
    return tmp_path


def answers(folder: Path, name: str = "texts.labels.jsonl") -> dict[str, dict[str, str]]:
    """Person to text to label, read by hand from the journal, undos heeded."""
    import hashlib

    keys = {hashlib.sha256(text.encode()).hexdigest()[:20]: text for text in TEXTS}
    records = [json.loads(line) for line in (folder / name).read_text().splitlines()]
    gone = {record["of"] for record in records if record["do"] == "undo"}
    said: dict[str, dict[str, str]] = {}
    for record in records:
        if record["do"] == "answer" and record["n"] not in gone:
            said.setdefault(record["who"], {})[keys[record["key"]]] = record["label"]
    return said


@pytest.fixture
def type_in(run, monkeypatch):
    """Run a command in this process with lines on its standard input."""

    def quick(typed: str, *argv: str):
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        return run(*argv)

    return quick


@pytest.fixture
def label(folder, type_in):
    """Begin, or go on, as ann."""
    return lambda typed, *more: type_in(typed, *BEGIN, "--annotator", "ann", *more)


def test_lines_from_a_pipe_are_answers(folder, label):
    done = label("1\nspam\ns\nu\n2\nn\nodd one\nham\nwhat\nq\n", "--order", "as-is")
    assert done.code == 0 and done.err == ""
    assert answers(folder)["ann"] == {TEXTS[0]: "ham", TEXTS[1]: "spam", TEXTS[2]: "spam",
                                      TEXTS[3]: "ham"}
    assert "'what' is none of: 1 ham, 2 spam" in done.out
    assert "4 answers now; 4 labelled, 0 skipped, 56 left" in done.out
    assert '"text": "odd one"' in (folder / "texts.labels.jsonl").read_text()


def test_the_end_of_the_input_is_a_pause(label, type_in):
    assert label("1\n2\n").code == 0
    done = type_in("1\n", "label", "texts.csv", "--annotator", "ann")
    assert "3 labelled" in done.out, "the journal knows the column and the classes"
    assert label("1\n" * 70).out.count("nothing is left to label") == 1


def test_the_source_is_never_touched_and_nothing_is_overwritten(folder, label, run):
    before = (folder / "texts.csv").read_bytes()
    done = label("1\n", "--store", "texts.csv")
    assert done.code == 1 and "no journal of labels" in done.last
    assert (folder / "texts.csv").read_bytes() == before
    label("1\n")
    for words in (["texts.csv"], ["out.csv"], ["out.csv"]):
        done = run("label", "texts.csv", "--export", *words)
    assert done.code == 1 and "--force" in done.last
    assert (folder / "texts.csv").read_bytes() == before


def test_two_people_agree_disagree_and_are_settled(folder, label, type_in, run):
    label("1\n2\n1\n2\n", "--order", "as-is", "--store", "ann.jsonl")
    type_in("1\n1\n1\n2\n", *BEGIN, "--annotator", "bob", "--order", "as-is", "--store",
            "bob.jsonl")
    done = run("label", "--agreement", "ann.jsonl", "bob.jsonl")
    assert done.code == 0 and "Krippendorff's alpha" in done.out and "ann and bob" in done.out
    found = json.loads(run("label", "--agreement", "ann.jsonl", "bob.jsonl", "--json").out)
    assert found["shared"] == 4 and found["same"]["value"] == 0.75
    assert found["cohen_kappa"]["ann, bob"]["value"] == pytest.approx(0.5)
    # Both into one journal: the split is adjudicated there.
    type_in("1\n1\n1\n2\n", *BEGIN, "--annotator", "bob", "--order", "as-is", "--store",
            "ann.jsonl")
    done = type_in("2\n", "label", "texts.csv", "--store", "ann.jsonl", "--adjudicate",
                   "--annotator", "eve")
    assert "ann: spam, bob: ham" in done.out and "1 settled now, 0 left" in done.out
    done = run("label", "texts.csv", "--store", "ann.jsonl", "--export", "out.parquet")
    assert done.code == 0, done.err
    out = pl.read_parquet(folder / "out.parquet")
    assert out["text"].to_list() == TEXTS and out["n"].to_list() == list(range(60))
    assert out["label_from"][:5].to_list() == ["agreed", "adjudicated", "agreed", "agreed",
                                               "not labelled"]
    assert "| eve | 0 | 0 | 1 |" in (folder / "out.sheet.md").read_text()


def test_how_far_it_is_and_what_more_would_bring(folder, label, run):
    typed = "".join(f"{TRUTH[text]}\n" for text in TEXTS[:50])
    label(typed, "--order", "as-is")
    done = run("label", "texts.csv", "--progress")
    assert done.code == 0 and "50 of 60 labelled" in done.out
    found = json.loads(run("label", "texts.csv", "--progress", "--json").out)
    assert found["annotators"]["ann"]["labelled"] == 50
    assert found["why_no_curve"] or found["curve"]["judged"] >= 30
    few = run("label", "texts.csv", "--progress", "--store", "new.jsonl", "--column", "text",
                  "--classes", "a,b")
    assert few.code == 0 and "needs 30 labels" in few.out


@pytest.mark.parametrize("argv, said", [
    (["label", "none.csv", "--column", "text", "--classes", "a,b"], "no file"),
    (["label", "texts.csv", "--column", "txt", "--classes", "a,b"], "did you mean 'text'"),
    (["label", "texts.csv", "--classes", "a,b"], "--column"),
    (["label", "texts.csv", "--column", "text"], "at least 2 classes"),
    (["label", "texts.csv", "--column", "text", "--classes", "a"], "at least 2 classes"),
    ([*BEGIN, "--order", "best"], "'uncertain', 'random', 'as-is'"),
    ([*BEGIN, "--random-share", "2"], "<= 1"),
    ([*BEGIN, "--strategy", "margins"], "'margin'"),
    ([*BEGIN, "--model", "logistik"], "logistic"),
    ([*BEGIN, "--annotator", " "], "needs a name"),
    ([*BEGIN, "--annotator", "a", "--annotator", "b"], "one annotator"),
    ([*BEGIN, "--guide", "none.txt"], "guide none.txt cannot be read"),
    ([*BEGIN, "--images"], "--web"),
    ([*BEGIN, "--store", "a.jsonl", "--store", "b.jsonl"], "one --store"),
    (["label", "texts.csv", "more.csv", "--column", "text"], "one table"),
    (["label", "-", "--column", "text", "--classes", "a,b"], "standard input cannot be both"),
    (["label", "--agreement", "texts.csv"], "no journal of labels"),
    (["label", "--agreement", "none.jsonl"], "cannot be read"),
    (["label", "texts.csv", "--export", "out.csv"], "cannot be read"),
    ([*BEGIN, "--web", "--port", "99999"], "port 99999"),
    (["label-errors", "texts.csv"], "--target"),
    (["label-errors", "texts.csv", "--target", "txt"], "did you mean 'text'"),
    (["label-errors", "texts.csv", "--target", "n", "--out", "texts.csv"], "the source itself"),
])
def test_wrong_words_are_said_in_one_sentence(folder, type_in, argv, said):
    done = type_in("1\n", *argv)
    assert done.code == 1 and said in done.last, done.err
    assert "Traceback" not in done.out + done.err


def test_wrong_usage(folder, run):
    done = run("label", "texts.csv", "--agreement", "--progress")
    assert done.code == 2 and "one at a time" in done.last
    assert run("label").code == 2


def test_texts_cannot_steer_the_terminal(folder, type_in):
    pl.DataFrame({"text": ["\x1b[31mred\x07", "plain"]}).write_ndjson(folder / "odd.jsonl")
    done = type_in("1\n1\n", "label", "odd.jsonl", "--column", "text", "--classes", "a,b")
    assert "\x1b" not in done.out and "\\x1b[31mred" in done.out


# ---- a terminal -------------------------------------------------------------------------


def typed(folder: Path, keys: list[bytes], *more: str) -> tuple[int, str]:
    """Type keys into a pseudo-terminal, one after each prompt; gives code and what it showed."""
    pty = pytest.importorskip("pty", reason="pseudo-terminals are of Unix only")
    pid, screen = pty.fork()
    if pid == 0:
        os.chdir(folder)
        words = [sys.executable, "-m", "wholefit", *BEGIN, "--annotator", "zoë", *more]
        os.execve(sys.executable, words, environment(COLUMNS="80"))
    shown, waiting, end = b"", list(keys), time.monotonic() + 60
    while time.monotonic() < end:
        if select.select([screen], [], [], 0.4)[0]:  # it must have begun to listen
            try:
                shown += os.read(screen, 65536)
            except OSError:
                break
        elif waiting and shown.rstrip(b" ").endswith((b"\n>", b"note:")):
            os.write(screen, waiting.pop(0))
    if time.monotonic() >= end:
        os.kill(pid, signal.SIGKILL)  # what still waits for a key would wait for ever
    _, status = os.waitpid(pid, 0)
    os.close(screen)
    return os.waitstatus_to_exitcode(status), shown.decode().replace("\r\n", "\n")


def test_single_keys_in_a_terminal_and_ctrl_c_keeps_all(folder):
    code, shown = typed(folder, [b"1", b"x", b"2", b"u", b"1", b"n", b"a remark\r", b"s", b"\x03"],
                        "--order", "as-is")
    assert code == 0, shown
    assert answers(folder)["zoë"] == {TEXTS[0]: "ham", TEXTS[1]: "ham"}
    assert "taken back" in shown and "noted" in shown and "All is kept" in shown


def test_enter_agrees_with_the_guess_only_where_it_is_shown(folder, label):
    label("".join(f"{TRUTH[text]}\n" for text in TEXTS[:30]), "--order", "as-is")
    keys = [b"\r", b"q"]
    code, shown = typed(folder, keys, "--order", "as-is")
    assert code == 0 and "the model says" not in shown, shown
    assert not answers(folder).get("zoë"), "Enter says nothing where there is no guess"


# ---- the page ---------------------------------------------------------------------------


def test_the_page_is_served_until_ctrl_c_and_keeps_all(folder):
    server = subprocess.Popen(
        [sys.executable, "-m", "wholefit", *BEGIN, "--web", "--annotator", "ann", "--annotator",
         "bob"], cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True)
    try:
        assert server.stdout is not None
        links = {}
        while len(links) < 2:
            line = server.stdout.readline()
            assert line, server.communicate()[1]
            if found := re.match(r"(\w+): (http\S+)", line):
                links[found[1]] = found[2]
        state = json.load(urllib.request.urlopen(links["ann"] + "state", timeout=10))
        words = json.dumps({"key": state["question"]["key"], "label": "ham"}).encode()
        asked = urllib.request.Request(links["ann"] + "answer", words,
                                       {"Content-Type": "application/json"})
        assert json.load(urllib.request.urlopen(asked, timeout=10))["progress"]["labelled"] == 1
        server.send_signal(signal.SIGINT)
        out, err = server.communicate(timeout=20)
    finally:
        server.kill()
    assert server.returncode == 0, err
    assert "All is kept" in out and "Traceback" not in err
    assert len(answers(folder)["ann"]) == 1


# ---- label errors -----------------------------------------------------------------------


def test_a_list_of_doubts(run, tmp_path):
    churn = pl.read_csv(bundled.path("telco_churn"), null_values="NA", infer_schema_length=None)
    churn[:400].write_csv(tmp_path / "churn.csv")
    words = ["label-errors", "churn.csv", "--target", "churn", "--models", "logistic", "--jobs",
             "1"]
    done = run(*words, "--out", "doubts.csv", "--show", "3")
    assert done.code == 0, done.err
    assert "look wrong by 'churn'" in done.out and "estimated share of wrong labels" in done.out
    whole = pl.read_csv(tmp_path / "doubts.csv")
    assert whole.columns == ["row", "given", "suggested", "score", "flagged"]
    assert whole.height == 400 and whole["score"].is_sorted()
    found = json.loads(run(*words, "--json", "--show", "5").out)
    assert [row["row"] for row in found["rows"]] == \
        whole.filter(pl.col("flagged"))["row"][:5].to_list()
    assert found["flagged"] == int(whole["flagged"].sum())
