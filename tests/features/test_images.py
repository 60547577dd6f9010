"""Pictures as pixels and as classic features; tables of pixel columns as one picture."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from wholefit import data
from wholefit.features import Encoding, _hog
from wholefit.features.encoder import Encoder
from wholefit.features.spans import Span

RNG = np.random.default_rng(5)
COLOUR = RNG.integers(0, 256, (40, 12, 10, 3), dtype=np.uint8)
LABELS = np.arange(40) % 2
PIXELS = Encoding(images="pixels", single=True, dense=True)


def _data(pictures=COLOUR, **others):
    return data.load({"image": pictures, **others, "label": LABELS[:len(pictures)]},
                     target="label")


def test_pixels_only_is_a_matrix_of_bytes():
    dataset = _data()
    encoder = Encoder(PIXELS).fit(dataset)
    matrix = encoder.transform(dataset)
    assert matrix.dtype == np.uint8
    assert np.array_equal(matrix, COLOUR.transpose(0, 3, 1, 2).reshape(40, -1))
    assert encoder.spans == (Span("image", 0, 360, (3, 12, 10), column="image"),)
    assert encoder.names[11] == "image[1,1].r" and set(encoder.sources) == {"image"}


def test_beside_other_columns_it_is_floats():
    dataset = _data(age=np.arange(40) * 1.5)
    encoder = Encoder(PIXELS).fit(dataset)
    matrix = encoder.transform(dataset)
    assert matrix.dtype == np.float32
    kinds = [(span.kind, span.stop - span.start) for span in encoder.spans]
    assert kinds == [("numbers", 1), ("image", 360)]
    assert np.array_equal(matrix[:, 1:], COLOUR.transpose(0, 3, 1, 2).reshape(40, -1))


@pytest.mark.parametrize("encoding", [PIXELS, Encoding(single=True), Encoding()])
def test_a_fold_and_a_stored_encoder_give_the_same_rows(encoding):
    dataset = _data(age=np.arange(40) * 1.5)
    train = np.arange(5, 40)
    encoder = Encoder(encoding).fit(dataset, train)
    whole = encoder.transform(dataset)
    rows = np.array([30, 2, 2])
    assert np.array_equal(encoder.transform(dataset, rows), whole[rows])
    assert np.array_equal(encoder.transform(dataset.take(rows)), whole[rows])
    stored = Encoder.from_state(encoder.state())
    assert np.array_equal(stored.transform(dataset), whole) and stored.spans == encoder.spans


def test_the_size_is_learnt_on_training_rows():
    cells = [COLOUR[at, :6, :8] if at < 20 else COLOUR[at] for at in range(40)]
    table = data.read(cells)
    dataset = data.dataset_of(table.frame.with_columns(label=pl.Series(LABELS)), target="label")
    small = Encoder(PIXELS).fit(dataset, np.arange(20))
    large = Encoder(PIXELS).fit(dataset, np.arange(20, 40))
    assert small.spans[0].shape == (3, 6, 8) and large.spans[0].shape == (3, 12, 10)
    said = Encoder(PIXELS.replace(image_size=16, image_colour="grey")).fit(dataset)
    assert said.spans[0].shape == (1, 16, 16)


def test_colour_pictures_that_are_grey_are_taken_as_grey():
    grey = np.repeat(COLOUR[..., :1], 3, axis=-1)
    assert Encoder(PIXELS).fit(_data(grey)).spans[0].shape == (1, 12, 10)
    assert Encoder(PIXELS.replace(image_colour="rgb")).fit(_data(grey)).spans[0].shape[0] == 3


def test_a_missing_picture_is_the_mean_colour():
    dataset = _data()
    encoder = Encoder(PIXELS).fit(dataset)
    frame = dataset.frame.with_columns(pl.Series("image", [None, *dataset.frame["image"][1:]]))
    asked = data.Dataset(frame, dataset.schema)
    found = encoder.transform(asked)[0].reshape(3, -1)
    assert (found == np.round(COLOUR.mean(axis=(0, 1, 2)))[:, None]).all()


def test_left_out_where_asked():
    encoder = Encoder(Encoding(images="drop")).fit(_data(age=np.arange(40) * 1.5))
    assert encoder.names == ["age"]


def test_hog_as_a_plain_loop():
    picture = RNG.integers(0, 256, (1, 32, 32)).astype(np.float32)
    cells = np.zeros((4, 4, 9))
    for y in range(32):
        for x in range(32):
            dy = picture[0, y + 1, x] - picture[0, y - 1, x] if 0 < y < 31 else 0.0
            dx = picture[0, y, x + 1] - picture[0, y, x - 1] if 0 < x < 31 else 0.0
            place = (math.degrees(math.atan2(dy, dx)) % 180) / 20 - 0.5
            low = math.floor(place)
            for bin, share in ((low, 1 - (place - low)), (low + 1, place - low)):
                cells[y // 8, x // 8, bin % 9] += share * math.hypot(dx, dy) / 64
    expected = []
    for by in range(3):
        for bx in range(3):
            block = np.concatenate([cells[by + y, bx + x] for y in (0, 1) for x in (0, 1)])
            block = np.minimum(block / math.sqrt((block ** 2).sum() + 1e-10), 0.2)
            expected.append(block / math.sqrt((block ** 2).sum() + 1e-10))
    assert np.allclose(_hog.edges(picture)[0], np.concatenate(expected), atol=1e-4)


def test_descriptors_tell_what_they_say():
    stripes = np.zeros((1, 1, 32, 32), np.uint8)
    stripes[:, :, ::8] = 255
    stripes[:, :, 1::8] = 255  # horizontal lines: gradients run down, at 90 degrees
    found = dict(zip(_hog.names(1), _hog.describe(stripes)[0], strict=True))
    assert found["edges 1/1.1 90 deg"] > 0.4 and found["edges 1/1.1 10 deg"] == 0
    assert found["shade 16"] == pytest.approx(0.25) and found["grey 1/1"] == pytest.approx(0.5)
    red = np.zeros((1, 3, 32, 32), np.uint8)
    red[:, 0] = 255
    found = dict(zip(_hog.names(3), _hog.describe(red)[0], strict=True))
    assert found["colour 300"] == 1 and len(found) == 64 + 64 + 324


def test_descriptors_serve_a_linear_model_on_digits():
    from sklearn.datasets import load_digits
    from sklearn.linear_model import LogisticRegression

    digits = load_digits()
    pictures = (digits.images * 15.9).astype(np.uint8)
    dataset = data.load((pictures, digits.target))
    train, test = np.arange(0, 1400), np.arange(1400, 1797)
    encoder = Encoder(Encoding(single=True, scale="standard")).fit(dataset, train)
    model = LogisticRegression(max_iter=300).fit(encoder.transform(dataset, train),
                                                 digits.target[train])
    assert model.score(encoder.transform(dataset, test), digits.target[test]) > 0.93


# ---- a column for each pixel -----------------------------------------------------------


def _columns(names, high=9, wide=9):
    pictures = RNG.integers(0, 256, (30, high * wide), dtype=np.int64)
    pictures[:, 0] = 0  # a corner that is always black is a constant column
    return pictures, {name: pictures[:, at] for at, name in enumerate(names)}


@pytest.mark.parametrize(("names", "shape"), [
    ([f"pixel{at}" for at in range(81)], (1, 9, 9)),
    ([f"{y}x{x}" for y in range(1, 10) for x in range(1, 10)], (1, 9, 9)),
    ([f"p_{y}_{x}" for y in range(8) for x in range(10)], (1, 8, 10)),
])
def test_columns_that_are_evidently_one_picture(names, shape):
    pictures, columns = _columns(names, *shape[1:])
    order = RNG.permutation(len(names))
    table = {names[at]: columns[names[at]] for at in order}
    dataset = data.load({**table, "weight": np.linspace(0, 1, 30), "y": np.arange(30) % 2},
                        target="y")
    encoder = Encoder(PIXELS).fit(dataset)
    span = encoder.spans[-1]
    assert span.kind == "image" and span.shape == shape and encoder.spans[0].kind == "numbers"
    assert np.array_equal(encoder.transform(dataset)[:, span.start:], pictures)
    again = Encoder.from_state(encoder.state()).transform(dataset)
    assert np.array_equal(again, encoder.transform(dataset))
    plain = Encoder(Encoding(single=True)).fit(dataset)
    assert all(span.kind == "numbers" for span in plain.spans)


@pytest.mark.parametrize("columns", [
    {f"x{at}": RNG.normal(size=30) for at in range(81)},
    {f"x{at}": RNG.integers(0, 2, 30) for at in range(81)},
    {f"x{at}": RNG.integers(0, 300, 30) for at in range(81)},
    {f"x{at}": RNG.integers(0, 256, 30) for at in range(16)},
    {f"x{at * 2}": RNG.integers(0, 256, 30) for at in range(81)},
])
def test_columns_that_may_be_anything_stay_numbers(columns):
    dataset = data.load({**columns, "y": np.arange(30) % 2}, target="y")
    encoder = Encoder(PIXELS).fit(dataset)
    assert all(span.kind == "numbers" for span in encoder.spans)
