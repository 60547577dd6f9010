"""Signatures: nothing that was changed, and nobody who is not trusted, gets past them."""

from __future__ import annotations

import base64
import json
import os
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.spoiled import spoil

import wholefit as wf
from wholefit import artifact
from wholefit.artifact import keyfiles, opening, signing
from wholefit.base.errors import AccessError, ArtifactError
from wholefit.base.keysource import Secret
from wholefit.base.sealing import Sealer, new_key
from wholefit.base.state import State

pytest.importorskip("cryptography")


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A folder with m.wf, other.wf, keys of Ada and Eve, and m.wf.sig by Ada."""
    folder = tmp_path_factory.mktemp("signed")
    for name, value in (("m", 1.0), ("other", 2.0)):
        artifact.write(folder / f"{name}.wf", {"task": "regression"},
                       {"model": State("linear", arrays={"w": np.array([value])})},
                       reference={"r": b"123"})
    keyfiles.make(folder / "ada.key", "Ada  Lovelace")
    keyfiles.make(folder / "eve.key", "Eve")
    signing.sign(folder / "m.wf", keyfiles.private(folder / "ada.key"), name="churn")
    return folder


@pytest.fixture
def room(made, tmp_path) -> Path:
    """A copy of it, to be spoilt."""
    return Path(shutil.copytree(made, tmp_path / "room"))


def loaded(room: Path, file: str = "m.wf", trust: str = "ada.key.pub", **more):
    return opening.opened(room / file, trust=room / trust, **more)


def test_a_signed_model_is_opened_by_who_trusts_the_signer(room):
    package = loaded(room)
    assert package.states["model"].arrays["w"] == 1.0
    found = signing.check("artifact", package.sha256, signing.read_signatures(room / "m.wf.sig"),
                          signing.Trust.read(room / "ada.key.pub"), what="m.wf")
    assert (found.by, found.name) == ("Ada Lovelace", "churn")


@pytest.mark.parametrize("what, said", [
    ("eve signs", "no key of"), ("no signature", "is not signed"),
    ("another model", "what Ada Lovelace signed is not what it holds"),
    ("another name", "not as 'credit'"), ("eve's name", "no key of"),
    ("forged", "is false"), ("older claim", "is false"), ("empty", "is empty")])
def test_whatever_is_not_as_it_was_signed_is_refused(room, what, said):
    sig, options = room / "m.wf.sig", {}
    kept = json.loads(sig.read_text())
    entry = kept["signatures"][0]
    if what == "eve signs":
        sig.unlink()
        signing.sign(room / "m.wf", keyfiles.private(room / "eve.key"), name="churn")
    elif what == "no signature":
        sig.unlink()
    elif what == "another model":
        shutil.copy(room / "other.wf", room / "m.wf")
    elif what == "another name":
        options = {"name": "credit"}
    elif what == "eve's name":  # Eve says that her key is Ada's: names come from the trust file
        keyfiles.make(room / "fake.key", "Ada Lovelace")
        sig.unlink()
        signing.sign(room / "m.wf", keyfiles.private(room / "fake.key"))
    elif what == "forged":
        entry["signature"] = base64.b64encode(bytes(64)).decode()
    elif what == "older claim":
        entry["at"] = "2031-01-01T00:00:00+00:00"
    elif what == "empty":
        kept["signatures"] = []
    if what in ("forged", "older claim", "empty"):
        sig.write_text(json.dumps(kept))
    with pytest.raises(AccessError, match=said):
        loaded(room, **options)


def test_a_signature_is_of_the_contents_not_of_the_packing(room):
    """The same model written again by the same version has the same identity."""
    package = artifact.read(room / "m.wf")
    artifact.write(room / "m.wf", package.record, package.states,
                   reference=package.reference, force=True)
    assert loaded(room).sha256 == package.sha256


def test_any_flipped_byte_of_a_signed_model_is_refused_or_changes_nothing(room):
    whole = (room / "m.wf").read_bytes()
    for at in range(0, len(whole), 13):
        spoilt = bytearray(whole)
        spoilt[at] ^= 0x55
        (room / "m.wf").write_bytes(bytes(spoilt))
        try:
            package = loaded(room)
            states, reference = dict(package.states), dict(package.reference)
        except (ArtifactError, AccessError):
            continue
        assert states["model"].arrays["w"] == 1.0 and reference == {"r": b"123"}


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_a_mutated_signature_file_never_passes_as_another(made, data):
    whole = (made / "m.wf.sig").read_bytes()
    spoilt = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(spoilt) - 1))
        spoilt[at:at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    path = made / f"fuzz-{os.getpid()}.sig"
    path.write_bytes(bytes(spoilt))
    trust = signing.Trust.read(made / "ada.key.pub")
    sha256 = artifact.read(made / "m.wf").sha256
    try:
        found = signing.check("artifact", sha256, signing.read_signatures(path), trust, what="m")
    except AccessError:
        return
    assert (found.by, found.name) == ("Ada Lovelace", "churn")


@pytest.mark.parametrize("text", [
    b"", b"{", b"[]", b"null", b'{"wholefit": "signatures", "format": 2, "signatures": []}',
    b'{"wholefit": "signatures", "format": 1, "signatures": {}}',
    b'{"wholefit": "signatures", "format": 1, "signatures": [{"key": 1}]}',
    b'{"wholefit": "signatures", "format": 1, "signatures": [' + b"null," * 60 + b"null]}",
    b"[" * 100_000, b" " * 70_000, b"\xff\xfe"])
def test_a_signature_file_that_is_none_is_one_sentence(room, text):
    (room / "m.wf.sig").write_bytes(text)
    with pytest.raises(AccessError):
        loaded(room)


@pytest.mark.parametrize("text, said", [
    ("", "names no key"), ("# a note\n\n", "names no key"), ("rsa AAAA Ada", "line 1"),
    ("ed25519 AAAA Ada", "line 1"), ("ed25519 " + "A" * 43 + "=", "line 1"), ("\0\xff", "line 1")])
def test_a_trust_file_that_is_none_refuses_everything(room, text, said):
    (room / "trust").write_text(text)
    with pytest.raises(AccessError, match=said):
        loaded(room, trust="trust")


def test_trust_is_lines_or_a_folder_and_the_environment_may_ask_for_it(room, monkeypatch):
    lines = "# ours\n\n" + (room / "eve.key.pub").read_text() + (room / "ada.key.pub").read_text()
    (room / "trust.txt").write_text(lines)
    assert len(signing.Trust.read(room / "trust.txt").keys) == 2
    assert set(signing.Trust.read(room).keys.values()) == {"Ada Lovelace", "Eve"}
    assert loaded(room, trust="trust.txt") and loaded(room, trust="")
    monkeypatch.setenv("WHOLEFIT_TRUST", str(room / "eve.key.pub"))
    with pytest.raises(AccessError, match="no key of"):
        opening.opened(room / "m.wf")
    monkeypatch.setenv("WHOLEFIT_TRUST", str(room / "gone"))
    with pytest.raises(AccessError, match="cannot be read"):
        opening.opened(room / "m.wf")
    monkeypatch.delenv("WHOLEFIT_TRUST")
    assert opening.opened(room / "m.wf")
    with pytest.raises(AccessError, match="say whom you trust"):
        opening.opened(room / "m.wf", name="churn")
    with pytest.raises(AccessError, match="no signature beside it"):
        opening.opened((room / "m.wf").read_bytes(), trust=room / "ada.key.pub")


def test_several_sign_and_each_is_enough(room):
    signing.sign(room / "m.wf", keyfiles.private(room / "eve.key"))
    signing.sign(room / "m.wf", keyfiles.private(room / "eve.key"))
    assert len(signing.read_signatures(room / "m.wf.sig")) == 2
    assert loaded(room) and loaded(room, trust="eve.key.pub")
    # A new model at the old path: signatures of what was there before are dropped.
    shutil.copy(room / "other.wf", room / "m.wf")
    signing.sign(room / "m.wf", keyfiles.private(room / "eve.key"))
    assert len(signing.read_signatures(room / "m.wf.sig")) == 1


def test_any_file_can_be_signed_and_a_damaged_model_cannot(room):
    (room / "m.onnx").write_bytes(b"graph")
    signing.sign(room / "m.onnx", keyfiles.private(room / "ada.key"))
    assert signing.read_signatures(room / "m.onnx.sig")[0].about == "file"
    spoil(room / "m.wf")
    with pytest.raises(ArtifactError):
        signing.sign(room / "m.wf", keyfiles.private(room / "ada.key"))


@pytest.mark.parametrize("data", [b"", b"noise"])
def test_a_model_that_is_none_is_not_signed(room, data):
    (room / "m.wf").write_bytes(data)
    with pytest.raises(ArtifactError, match="not a wholefit artifact"):
        signing.sign(room / "m.wf", keyfiles.private(room / "ada.key"))


def test_a_file_that_holds_no_signatures_is_left_alone(room):
    (room / "m.wf.sig").write_text("mine")
    with pytest.raises(AccessError, match="move it away"):
        signing.sign(room / "m.wf", keyfiles.private(room / "ada.key"))
    with pytest.raises(AccessError, match="move it away"):
        signing.sign(room / "m.wf", keyfiles.private(room / "ada.key"), out=room / "m.wf")
    assert (room / "m.wf.sig").read_text() == "mine"


def test_the_docs_say_how_to_check_one_without_wholefit(room):
    """A second implementation of the check, from the words of the module alone."""
    ed = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ed25519")
    entry = json.loads((room / "m.wf.sig").read_text())["signatures"][0]
    mark = base64.b64decode(entry.pop("signature"))
    told = json.dumps(entry, sort_keys=True, separators=(",", ":"))
    key = ed.Ed25519PublicKey.from_public_bytes(base64.b64decode(entry["key"]))
    key.verify(mark, b"wholefit signature 1\n" + told.encode("ascii"))


# -- keys -------------------------------------------------------------------------------------


def test_keys_are_never_replaced_and_only_their_owner_reads_them(room):
    with pytest.raises(ArtifactError, match="exists"):
        keyfiles.make(room / "ada.key", "Ada")
    (room / "new.key.pub").write_text("x")
    with pytest.raises(ArtifactError, match="exists"):
        keyfiles.make(room / "new.key", "Ada")
    if os.name == "posix":
        assert (room / "ada.key").stat().st_mode & 0o077 == 0


def test_a_passphrase_is_needed_where_there_is_one(room):
    right, wrong = Secret("env:A", b"right"), Secret("env:B", b"wrong")
    keyfiles.make(room / "safe.key", "Ada", right)
    assert keyfiles.private(room / "safe.key", right)
    for passphrase, said in ((None, "under a passphrase"), (wrong, "another passphrase")):
        with pytest.raises(AccessError, match=said):
            keyfiles.private(room / "safe.key", passphrase)
    with pytest.raises(AccessError, match="under no passphrase"):
        keyfiles.private(room / "ada.key", right)


def test_other_keys_and_noise_are_no_signing_keys(room):
    ec = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ec")
    serial = pytest.importorskip("cryptography.hazmat.primitives.serialization")
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serial.Encoding.PEM, serial.PrivateFormat.PKCS8, serial.NoEncryption())
    (room / "ec.key").write_bytes(pem)
    (room / "noise.key").write_bytes(os.urandom(300))
    for name in ("ec.key", "noise.key", "ada.key.pub"):
        with pytest.raises(AccessError):
            keyfiles.private(room / name)


# -- sealed models ----------------------------------------------------------------------------


def test_a_sealed_model_is_opened_in_memory_and_keeps_its_signature(room, monkeypatch):
    key = new_key()
    (room / "k").write_bytes(key)
    made = opening.seal(room / "m.wf", None, Sealer([key]))
    (room / "m.wf").unlink()
    before = sorted(path.name for path in room.iterdir())
    package = loaded(room, "m.wf.sealed", key=f"file:{room / 'k'}")
    assert package.states["model"].arrays["w"] == 1.0
    assert sorted(path.name for path in room.iterdir()) == before
    monkeypatch.setenv("WHOLEFIT_KEY", f"file:{room / 'k'}")
    assert loaded(room, "m.wf.sealed").sha256 == package.sha256
    (room / "k").write_bytes(new_key())
    with pytest.raises(AccessError, match="another one"):
        loaded(room, "m.wf.sealed")
    assert opening.unseal(made, None, Sealer([key])) == room / "m.wf"
    assert loaded(room).sha256 == package.sha256


def test_a_signature_is_of_what_was_sealed(room):
    key, ada = new_key(), keyfiles.private(room / "ada.key")
    (room / "k").write_bytes(key)
    (room / "rows.csv").write_text("a,b\n1,2\n")
    for name in ("rows.csv", "m.wf"):
        signing.sign(room / name, ada)
        made = opening.seal(room / name, None, Sealer([key]))
        about, digest, members = opening.contents(made, f"file:{room / 'k'}")
        assert (about, digest) == signing.contents(room / name) and (members is None) == (
            about == "file")
        assert opening.signature_of(made) == room / f"{name}.sig"
        with pytest.raises(AccessError, match="sign the file that was sealed"):
            signing.sign(made, ada)
    spoil(room / "m.wf")
    with pytest.raises(ArtifactError):
        opening.contents(room / "m.wf")


def test_unsealing_leaves_nothing_where_anything_was_altered(room):
    by = Sealer([new_key()])
    made = opening.seal(room / "m.wf", room / "s", by)
    data = bytearray(made.read_bytes())
    data[-40] ^= 1
    made.write_bytes(bytes(data))
    before = sorted(path.name for path in room.iterdir())
    with pytest.raises(AccessError):
        opening.unseal(made, room / "plain.wf", by)
    assert sorted(path.name for path in room.iterdir()) == before


def test_load_asks_for_trust_and_key_by_its_own_words(tmp_path):
    result = wf.fit(pl.DataFrame({"x": [float(at) for at in range(40)],
                                  "y": [2.0 * at for at in range(40)]}), target="y",
                    models=["ridge"], jobs=1)
    keyfiles.make(tmp_path / "ada.key", "Ada")
    keyfiles.make(tmp_path / "eve.key", "Eve")
    (tmp_path / "k").write_bytes(new_key())
    plain = result.save(tmp_path / "m.wf")
    signing.sign(plain, keyfiles.private(tmp_path / "ada.key"))
    made = opening.seal(plain, None, Sealer([(tmp_path / "k").read_bytes()]))
    trust, key = tmp_path / "ada.key.pub", f"file:{tmp_path / 'k'}"
    new = pl.DataFrame({"x": [7.5]})
    for found in (wf.load(plain, trust=trust), wf.load(made, trust=str(trust), key=key)):
        assert found.predict(new).equals(result.predict(new))
    with pytest.raises(AccessError):
        wf.load(plain, trust=tmp_path / "eve.key.pub")
    with pytest.raises(AccessError):
        wf.load(made, trust=trust)


def test_sealing_refuses_what_would_lose_something(room):
    by = Sealer([new_key()])
    made = opening.seal(room / "m.wf", None, by)
    with pytest.raises(AccessError, match="sealed already"):
        opening.seal(made, None, by)
    with pytest.raises(ArtifactError, match="exists"):
        opening.seal(room / "m.wf", None, by)
    with pytest.raises(ArtifactError, match="at once"):
        opening.seal(room / "m.wf", room / "m.wf", by, force=True)
    with pytest.raises(AccessError, match="say where"):
        opening.unseal(room / "m.wf", None, by)
    with pytest.raises(ArtifactError, match="cannot be read"):
        opening.seal(room / "none", None, by)
