"""`keys`, `sign`, `verify`, `seal`, `unseal` as a person uses them."""

from __future__ import annotations

import json
import shutil

import pytest
from tests.spoiled import spoil

from wholefit.serving.access.audit import Audit

pytest.importorskip("cryptography")


@pytest.fixture
def model(run, room, tmp_path) -> None:
    """m.wf, new.csv, and the keys of Ada and Eve, in the folder where commands run."""
    shutil.copy(room / "churn.wf", tmp_path / "m.wf")
    shutil.copy(room / "new.csv", tmp_path / "new.csv")
    for name in ("ada", "eve"):
        assert run("keys", "signing", f"{name}.key", name.title()).code == 0


def test_a_model_is_signed_verified_and_loaded_by_who_trusts(run, model, monkeypatch):
    assert run("sign", "m.wf", "--key", "ada.key", "--name", "churn").code == 0
    done = run("verify", "m.wf", "--trust", "ada.key.pub", "--name", "churn")
    assert done.code == 0 and "signed by: Ada as 'churn'" in done.out
    told = json.loads(run("verify", "m.wf", "--trust", "ada.key.pub", "--json").out)
    assert told["signed"]["by"] == "Ada" and told["members"] > 3
    for words in (["--trust", "eve.key.pub"], ["--trust", "ada.key.pub", "--name", "credit"]):
        done = run("verify", "m.wf", *words)
        assert done.code == 1 and "not to be trusted" in done.last
    monkeypatch.setenv("WHOLEFIT_TRUST", "ada.key.pub")
    assert run("predict", "m.wf", "new.csv").code == 0
    monkeypatch.setenv("WHOLEFIT_TRUST", "eve.key.pub")
    done = run("predict", "m.wf", "new.csv")
    assert done.code == 1 and done.out == "" and "not to be trusted" in done.last
    assert run("replay", "m.wf").code == 1


def test_verify_without_keys_says_that_nobody_was_asked(run, model, tmp_path):
    done = run("verify", "m.wf")
    assert done.code == 0 and "signed by: not asked" in done.out
    spoil(tmp_path / "m.wf")
    assert run("verify", "m.wf").code == 1
    assert run("sign", "m.wf", "--key", "ada.key").code == 1


def test_any_file_is_signed_and_verified(run, model, tmp_path):
    (tmp_path / "m.onnx").write_bytes(b"graph")
    assert run("sign", "m.onnx", "--key", "ada.key").code == 0
    assert run("verify", "m.onnx", "--trust", "ada.key.pub").code == 0
    (tmp_path / "m.onnx").write_bytes(b"another graph")
    assert "is not what it holds" in run("verify", "m.onnx", "--trust", "ada.key.pub").last


def test_a_sealed_model_answers_as_before_and_only_with_the_key(run, model, tmp_path, monkeypatch):
    plain = run("predict", "m.wf", "new.csv").out
    assert run("keys", "sealing", "k").code == 0
    assert run("seal", "m.wf", "--key", "file:k").code == 0
    (tmp_path / "m.wf").unlink()
    done = run("predict", "m.wf.sealed", "new.csv")
    assert done.code == 1 and "WHOLEFIT_KEY" in done.last
    monkeypatch.setenv("WHOLEFIT_KEY", "file:k")
    assert run("predict", "m.wf.sealed", "new.csv").out == plain
    assert run("verify", "m.wf.sealed").code == 0
    assert run("seal", "m.wf.sealed").code == 1
    assert run("unseal", "m.wf.sealed").code == 0
    assert run("predict", "m.wf", "new.csv").out == plain
    assert run("unseal", "m.wf.sealed").code == 1  # it would replace a file
    assert run("unseal", "m.wf.sealed", "--force").code == 0


def test_no_key_is_shown_where_a_source_is_expected(run, model, tmp_path):
    run("keys", "sealing", "k")
    word = (tmp_path / "k").read_text().strip()
    done = run("seal", "m.wf", "--key", word)
    assert done.code == 1 and word not in done.out + done.err


def test_api_keys_from_the_first_to_the_last_day(run, tmp_path):
    done = run("keys", "add", "keys.json", "shop", "--scope", "predict", "--days", "90")
    assert done.code == 0 and done.out.startswith("wf_") and done.out.count("\n") == 1
    assert done.out.strip() not in (tmp_path / "keys.json").read_text()
    told = json.loads(run("keys", "add", "keys.json", "ops", "--scope", "admin", "--json").out)
    assert told["scopes"] == ["admin"] and told["key"].startswith("wf_")
    assert run("keys", "rotate", "keys.json", "shop", "--overlap", "2h").code == 0
    listed = json.loads(run("keys", "list", "keys.json", "--json").out)
    assert [key["name"] for key in listed] == ["shop", "ops", "shop"]
    assert "sha256" not in listed[0]
    assert "2 of shop revoked" in run("keys", "revoke", "keys.json", "shop").out
    assert "revoked" in run("keys", "list", "keys.json").out


@pytest.mark.parametrize("words, said", [
    (["lst", "k"], "did you mean 'list'"), (["add", "k"], "say whose key"),
    (["add", "k", "a", "--scope", "admn"], "did you mean 'admin'"),
    (["add", "k", "a", "--days", "0"], "days must be"), (["list", "none"], "no file of keys"),
    (["rotate", "none", "a"], "no key is named"), (["audit", "none"], "no record"),
    (["rotate", "k", "a", "--overlap", "soon"], "must be a time"),
    (["signing", "k2", "Ada", "--passphrase", "env:NOT_SET"], "is not set")])
def test_wrong_words_are_one_sentence(run, tmp_path, words, said):
    done = run("keys", *words)
    assert done.code in (1, 2) and said in done.last
    assert not list(tmp_path.iterdir())


def test_the_record_is_read_and_checked(run, tmp_path):
    with Audit(tmp_path / "audit.db") as record:
        record.write("route_swapped", name="churn", version="2")
    done = run("keys", "audit", "audit.db")
    assert done.code == 0 and "route_swapped" in done.out and "chain of 1" in done.out
    with Audit(tmp_path / "audit.db") as record:
        record._line.execute("UPDATE entries SET event = 'nothing'")
    done = run("keys", "audit", "audit.db", "--json")
    assert done.code == 1 and "not as it was written" in done.last
    assert json.loads(done.out)["fault"]
