"""What is learnt of pictures in a file is what is learnt of them in memory, bit for bit."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wholefit as wf
from wholefit.base import spool
from wholefit.base.errors import DataError, ParameterError
from wholefit.base.spool import SAID, Filed
from wholefit.data import load
from wholefit.features.encoder import Encoder
from wholefit.features.encoding import Encoding
from wholefit.features.sheet import Sheet, by_blocks
from wholefit.training.apart import cargo

pytest.importorskip("torch")

LABELS = np.array(["left", "right"])[np.arange(150) % 2]
PIXELS = np.random.default_rng(0).integers(0, 90, (150, 10, 10, 3), dtype=np.uint8)
PIXELS[LABELS == "left", :, :5] += 100
AGE = np.arange(150) % 7 / 3
SMALL = "cnn(epochs=2, channels=4, dense=8, stages=2)"


def _source(rows: slice, beside: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"image": PIXELS[rows]}
    return {**found, "age": AGE[rows]} if beside else found


def _fitted(beside: bool, models: str, **options: Any) -> tuple[Any, np.ndarray]:
    result = wf.fit({**_source(slice(0, 120), beside), "y": LABELS[:120]}, target="y", folds=3,
                    models=models, seed=1, checks=False, **options)
    asked = _source(slice(120, 150), beside)
    return result, np.asarray(result.predict_proba(asked))


def _bits(states: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Every stored array and blob by its place."""
    for name, state in states.items():
        here = f"{at}/{name}"
        yield from ((f"{here}/{key}", array.tobytes()) for key, array in state.arrays.items())
        yield from ((f"{here}/{key}", bytes(blob)) for key, blob in state.blobs.items())
        yield from _bits(state.parts, here)


@pytest.mark.parametrize(("beside", "models"), [
    (False, SMALL), (True, SMALL), (False, "whitened_cnn(epochs=1, sizes=(4,))"),
    (True, "residual_cnn(epochs=1, depth=8, channels=4, augment='none')"), (False, "logistic")])
def test_the_model_is_the_same_bit_for_bit(
    beside: bool, models: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    whole, answers = _fitted(beside, models)
    monkeypatch.setenv(SAID, "5kB")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    filed, again = _fitted(beside, models)
    assert np.array_equal(answers, again)
    one, other = (dict(_bits(each._fitted.states())) for each in (whole, filed))
    assert one == other and len(one) > 1
    assert whole.lineage["data_hash"] == filed.lineage["data_hash"]
    monkeypatch.delenv(SAID)
    asked = _source(slice(120, 150), beside)
    assert np.array_equal(np.asarray(filed.predict_proba(asked)), answers)
    del filed
    gc.collect()
    assert not list(tmp_path.glob("wholefit-*/bytes"))


def _encoded(beside: bool, images: str = "pixels") -> tuple[Any, Any]:
    dataset = load({**_source(slice(0, 120), beside), "y": LABELS[:120]}, target="y")
    encoder = Encoder(Encoding(images=images, single=True, dense=True, scale="none"))
    return dataset, encoder.fit(dataset)


@pytest.mark.parametrize("beside", [False, True])
def test_a_sheet_is_the_matrix_row_by_row(beside: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.array([5, 4, 90, 90, 7])
    dataset, encoder = _encoded(beside)
    wanted = encoder.transform(dataset, rows)
    monkeypatch.setenv(SAID, "5kB")
    dataset, encoder = _encoded(beside)
    sheet = encoder.transform(dataset, rows)
    assert isinstance(sheet, Sheet) and sheet.shape == wanted.shape and sheet.dtype == wanted.dtype
    for key in (slice(None), slice(1, 4), np.array([4, 0]), rows > 6, 3, -1,
                (slice(None), np.array([0, 40])), (slice(1, 3), 7), ([2], slice(100, 300, 7))):
        assert np.array_equal(sheet[key], wanted[key]), key
    assert np.array_equal(sheet.take(np.array([2, 1]))[:], wanted[[2, 1]])
    assert np.array_equal(np.asarray(sheet), wanted) and sheet.nbytes == wanted.nbytes
    pictures, = [sheet.pictures(span) for span in encoder.spans if span.kind == "image"]
    assert isinstance(pictures, Filed) and pictures.shape == (5, 3, 10, 10)
    assert np.array_equal(by_blocks(sheet, lambda part: part[:, :3]), wanted[:, :3])


def test_what_needs_all_pixels_at_once_is_refused_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SAID, "5kB")
    monkeypatch.setattr(spool, "AT_ONCE", 1000)
    dataset, encoder = _encoded(True)
    with pytest.raises(DataError, match=r"all pixels are wanted .*'cnn'.*image_size"):
        np.asarray(encoder.transform(dataset))


def test_a_gap_is_answered_as_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture that cannot be used is, beside other columns, the usual colour throughout."""
    asked = {"image": PIXELS[120:].astype(float), "age": AGE[120:]}
    asked["image"][3] = np.nan
    result, _ = _fitted(True, SMALL)
    wanted = np.asarray(result.predict_proba(asked))
    monkeypatch.setenv(SAID, "2kB")
    assert np.array_equal(np.asarray(result.predict_proba(asked)), wanted)


def test_another_process_reads_the_same_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What is laid out for it holds no pixels; the fit there is the fit here."""
    _, answers = _fitted(False, SMALL, memory="2GB")
    monkeypatch.setenv(SAID, "5kB")
    sizes, was = [], cargo.pack

    def packed(problem: Any, folder: str) -> Any:
        told = was(problem, folder)
        sizes.append((Path(folder) / "table.arrow").stat().st_size)
        assert len(told["pixels"]) == 1
        return told

    monkeypatch.setattr(cargo, "pack", packed)
    _, again = _fitted(False, SMALL, memory="2GB")
    assert np.array_equal(answers, again)
    assert sizes and max(sizes) < 120 * 300 / 2


def test_checkpoints_know_rows_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from wholefit.models._networks import NetworkClassifier

    y = (LABELS[:120] == "left").astype(int)
    dataset, encoder = _encoded(False)
    X = encoder.transform(dataset)
    monkeypatch.setenv(SAID, "5kB")
    dataset, _ = _encoded(False)
    sheet = encoder.transform(dataset)
    assert isinstance(sheet, Sheet)
    words = {"network": "cnn", "stages": [4], "hidden": []}

    def made() -> NetworkClassifier:
        return NetworkClassifier(words, {"epochs": 3}, spans=encoder.spans)

    wanted = made().fit(X, y).predict_proba(X)
    for _ in range(2):  # the second finds the first's lessons done
        found = made().fit(sheet, y, checkpoint=tmp_path / "kept")
        assert np.array_equal(found.predict_proba(sheet), wanted)


CHILD = """
import json, sys
import numpy as np
from wholefit.data import load
from wholefit.features.encoder import Encoder
from wholefit.features.encoding import Encoding
def peak():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024
before = peak()
pixels = np.load(sys.argv[1], mmap_mode="r")
dataset = load((pixels, np.arange(len(pixels)) % 2))
dataset.row_keys()
order = np.random.default_rng(0).permutation(len(pixels))
encoder = Encoder(Encoding(images="pixels", image_size=80, single=True, dense=True))
sheet = encoder.fit(dataset, order).transform(dataset, order)
pictures = sheet.pictures(encoder.spans[0])
same = all(np.array_equal(pictures[at:at + 128].transpose(0, 2, 3, 1), pixels[order[at:at + 128]])
           for at in (0, 1280, len(order) - 128))
total = sum(int(pictures[at:at + 128].sum()) for at in range(0, len(order), 128))
print(json.dumps({"before": before, "peak": peak(), "bytes": pixels.nbytes, "same": same}))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_reading_and_batches_hold_less_than_the_pixels(tmp_path: Path) -> None:
    """What a process holds at most (VmHWM, mapped pages included) above the libraries it woke."""
    rows = 16_000
    pixels = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.uint8, (rows, 80, 80, 3))
    for at in range(0, rows, 1000):
        pixels[at:at + 1000] = np.random.default_rng(at).integers(
            0, 255, (1000, 80, 80, 3), dtype=np.uint8)
        pixels[at + 1:at + 1000:2, :, :40] //= 2
    pixels.flush()
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path / "x.npy")], capture_output=True, text=True,
        env={**os.environ, SAID: "30MB", "TMPDIR": str(tmp_path)}, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["bytes"] == rows * 80 * 80 * 3
    assert told["same"]
    assert told["peak"] - told["before"] < told["bytes"], told


def test_a_wrong_limit_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SAID, "lots")
    with pytest.raises(ParameterError, match=SAID):
        load({"image": PIXELS, "y": LABELS}, target="y")
