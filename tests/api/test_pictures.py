"""Pictures through every face: fit, save, answers for broken files, pages, the command line."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
import pytest

import wholefit as wf
from wholefit import cli
from wholefit.base.errors import DataError, ParameterError, UnknownNameError
from wholefit.data.images import cells
from wholefit.report.images import _png

image_module = pytest.importorskip("PIL.Image")
pytestmark = pytest.mark.filterwarnings("ignore::wholefit.base.errors.WholefitWarning")


def _png_of(pixels: np.ndarray) -> bytes:
    sink = io.BytesIO()
    image_module.fromarray(pixels).save(sink, format="PNG")
    return sink.getvalue()


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stripes across and stripes down, of two sizes, some files broken."""
    root = tmp_path_factory.mktemp("data") / "photos"
    rng = np.random.default_rng(0)
    for label in ("across", "down"):
        (root / label).mkdir(parents=True)
        for at in range(24):
            pixels = rng.integers(0, 90, (20, 16 + at % 2 * 4, 3), dtype=np.uint8)
            if label == "across":
                pixels[at % 4::4] += 150
            else:
                pixels[:, at % 4::4] += 150
            (root / label / f"{at:02}.png").write_bytes(_png_of(pixels))
    (root / "down" / "cut.png").write_bytes(_png_of(pixels)[:90])
    (root / "across" / "words.jpg").write_text("no picture")
    return root


@pytest.fixture(scope="module")
def result(photos: Path) -> wf.Result:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return wf.fit(photos, models="logistic", folds=3, budget="120s")


def test_fit_names_what_is_broken_and_learns_the_rest(result):
    assert result.task == "classification" and result.target == "label"
    assert result.scores["accuracy"].value > 0.9
    said = " ".join(str(note) for note in result.notes)
    assert "down/cut.png" in said and "across/words.jpg (not a picture)" in said


def test_answers_keep_the_shape_of_the_question(result, photos):
    found = result.predict_proba(photos)
    assert found.height == 50 and found.columns[0] == "file"
    broken = found["file"].is_in(["down/cut.png", "across/words.jpg"]).to_numpy()
    shares = found.select(found.columns[1:]).to_numpy()
    assert np.isnan(shares[broken]).all() and np.allclose(shares[~broken].sum(axis=1), 1)
    classes = result.predict(photos)["prediction"]
    assert classes.null_count() == 2
    assert result.evaluate(photos)["accuracy"].n == 48


def test_new_pictures_in_every_form(result, photos):
    path = photos / "down" / "00.png"
    pixels = np.asarray(image_module.open(path))
    expected = result.predict(photos)["prediction"][photos_row(result, photos, "down/00.png")]
    assert result.predict(str(path))["prediction"][0] == expected
    assert result.predict([path, path])["prediction"].to_list() == [expected] * 2
    assert result.predict(pixels[None])[0] == expected
    assert result.predict({"image": pixels[None]})["prediction"][0] == expected
    assert result.predict({"image": [path.read_bytes()]})["prediction"][0] == expected


def photos_row(result, photos, name):
    return result.predict(photos)["file"].to_list().index(name)


def test_saved_and_loaded_it_answers_the_same(result, photos, tmp_path):
    result.save(tmp_path / "m.wf")
    loaded = wf.load(tmp_path / "m.wf")
    assert loaded.predict_proba(photos).equals(result.predict_proba(photos), null_equal=True)
    assert b"PNG" not in (tmp_path / "m.wf").read_bytes()


def test_the_limit_of_training_holds_for_new_pictures(photos):
    small = wf.fit(photos, models="logistic", folds=2, budget="120s", image_limit=8)
    seen = small.predict_proba(photos)
    assert seen.equals(small.predict_proba(photos, image_limit=8), null_equal=True)


def test_pictures_beside_columns_fill_what_is_missing(photos):
    pixels = np.stack([np.full((8, 8), shade, np.uint8) for shade in range(0, 240, 4)])
    source = {"photo": pixels, "noise": np.random.default_rng(1).normal(size=60),
              "y": np.repeat(["a", "b"], 30)}
    found = wf.fit(source, target="y", models="logistic", folds=3, budget="120s")
    assert found.scores["accuracy"].value > 0.9
    new = {"photo": [None, cells.pack(pixels[3])], "noise": [0.0, 0.0]}
    assert None not in found.predict(new)["prediction"]  # the other column still speaks


def test_mistakes_are_shown(result, photos, tmp_path):
    found = result.pictures(photos, most=5)
    assert found.rows == 48 and len(found.right) == 5 and len(found.wrong) <= 5
    sure = [each.sure for each in found.right]
    assert sure == sorted(sure) and all(each.truth == each.answer for each in found.right)
    page = found.write(tmp_path / "p.html").read_text()
    assert page.count("data:image/png;base64,") >= 5 and "img-src data:" in page
    number = wf.fit({"a": np.arange(60.0), "y": np.arange(60) % 2}, target="y", models="logistic",
                    folds=2, budget="60s")
    with pytest.raises(DataError, match="pictures"):
        number.pictures({"a": [1.0], "y": [0]})


def test_saliency_finds_the_half_that_tells():
    rng = np.random.default_rng(4)
    labels = np.arange(80) % 2
    images = rng.integers(0, 30, (80, 16, 16), dtype=np.uint8)
    images[labels == 1, 2:7, 2:7] += 200
    found = wf.fit((images, labels), models="logistic", folds=2, budget="120s")
    told = found.saliency(images[1:2])
    worth = np.array(told.found[0].worth).reshape(16, 16)
    top = np.unravel_index(worth.argmax(), worth.shape)
    assert max(top) < 9 and told.found[0].shape == (16, 16)
    assert np.array(told.found[0].pixels).reshape(16, 16).astype(int).tolist() == \
        images[1].tolist()
    with pytest.raises(ParameterError, match="occlusion"):
        found.saliency(images[:1], kind="shap")


def test_clusters_never_learn_the_folder_names(photos):
    found = wf.fit(photos, task="clustering", clusters=2, budget="60s")
    assert "label" not in found.schema.features and found.schema.having("image") == ["image"]


def test_rows_that_cannot_be_answered_leave_whole_numbers_as_they_are():
    labels = np.arange(40) % 2
    images = np.where(labels[:, None, None] == 1, 200, 20) * np.ones((40, 8, 8))
    found = wf.fit((images.astype(np.uint8), labels), models="logistic", folds=2, budget="60s")
    sink = _png_of(np.full((8, 8), 200, np.uint8))
    answers = found.predict({"image": [sink, b"broken", sink]})["prediction"]
    assert answers == [1, None, 1]
    effect = "pictures, which have no values"
    with pytest.raises(DataError, match=effect):
        found.effect("image", (images.astype(np.uint8), labels))


def test_alarms_of_pictures_say_which_rows():
    images = np.random.default_rng(0).integers(0, 60, (60, 8, 8), dtype=np.uint8)
    images[7] = 250
    found = wf.fit({"image": images}, task="anomaly", budget="30s")
    scores = found.score_samples({"image": images})
    assert scores is not None


def test_png_is_what_pillow_reads():
    for channels in (1, 3):
        pixels = np.random.default_rng(0).integers(0, 256, (channels, 5, 7), dtype=np.uint8)
        read = np.asarray(image_module.open(io.BytesIO(_png.encode(pixels))))
        assert np.array_equal(read.reshape(5, 7, channels).transpose(2, 0, 1), pixels)
    with pytest.raises(ParameterError):
        _png.encode(np.zeros((2, 5, 7), np.uint8))


def test_a_preview_page_and_picture(photos, tmp_path):
    pytest.importorskip("torch")
    found = wf.preview_augmentation(photos, "keras", pictures=3, versions=4, image_size=12)
    assert found.altered.shape == (3, 4, 3, 12, 12) and found.altered.dtype == np.uint8
    assert (found.altered[0, 0] != found.originals[0]).any() and found.speed > 0
    page = found.write(tmp_path / "p.html").read_text()
    assert page.count("data:image/png") == 15 and "rotate=20" in page
    found.write(tmp_path / "p.png")
    assert image_module.open(tmp_path / "p.png").size == (5 * 14 + 2, 3 * 14 + 2)
    again = wf.preview_augmentation(photos, "keras", pictures=3, versions=4, image_size=12)
    assert np.array_equal(found.altered, again.altered)
    for wrong in ({"pictures": 0}, {"versions": 1000}):
        with pytest.raises(ParameterError):
            wf.preview_augmentation(photos, **wrong)
    with pytest.raises(UnknownNameError):
        wf.preview_augmentation(photos, "kerass")
    with pytest.raises(DataError, match="must hold pictures"):
        wf.preview_augmentation({"a": [1, 2], "y": [0, 1]}, target="y")


def _run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(list(words))
    return int(ended.value.code or 0)


def test_the_command_line(photos, tmp_path, monkeypatch, capsys):
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    assert _run("fit", str(photos), "--models", "logistic", "--folds", "2", "--out", "m.wf",
                "--quiet") == 0
    assert _run("predict", "m.wf", str(photos), "--out", "p.csv") == 0
    assert (tmp_path / "p.csv").read_text().count("\n") == 51
    assert _run("evaluate", "m.wf", str(photos)) == 0
    assert _run("pictures", "m.wf", str(photos), "--most", "3", "--out", "m.html") == 0
    assert _run("augment", str(photos), "--out", "a.html", "--pictures", "2", "--versions",
                "2") == 0
    assert (tmp_path / "a.html").exists() and (tmp_path / "m.html").exists()
    capsys.readouterr()
    assert _run("augment", str(photos), "--set", "rotat=3") == 1
    assert "rotate" in capsys.readouterr().err
