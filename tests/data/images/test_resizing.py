"""Resizing against Pillow, against a plain loop, and alone against in a batch."""

from __future__ import annotations

import numpy as np
import pytest

from wholefit.data.images.resizing import resize, resize_all, weights

SIZES = [((28, 28), (32, 32)), ((100, 60), (32, 20)), ((33, 47), (64, 64)), ((20, 12), (7, 9)),
         ((5, 1), (3, 3)), ((1, 1), (4, 4))]


@pytest.mark.parametrize(("before", "after"), SIZES)
def test_as_pillow_does(before, after):
    image_module = pytest.importorskip("PIL.Image")
    pixels = np.random.default_rng(0).integers(0, 256, (*before, 3), dtype=np.uint8)
    peer = np.asarray(image_module.fromarray(pixels).resize(
        after[::-1], image_module.Resampling.BILINEAR)).astype(int)
    assert np.abs(resize(pixels, *after) - peer).max() <= 1


def test_as_a_loop_says():
    row = np.array([[0, 100, 200, 50]], np.uint8)[:, :, None]
    expected = []
    for out in range(2):  # halving: the triangle reaches two old pixels either way
        centre = (out + 0.5) * 2
        worth = [max(0.0, 1 - abs(old + 0.5 - centre) / 2) for old in range(4)]
        expected.append(sum(w * int(v) for w, v in zip(worth, row[0, :, 0], strict=True))
                        / sum(worth))
    assert np.abs(resize(row, 1, 2)[0, :, 0] - np.array(expected)).max() <= 0.51


@pytest.mark.parametrize(("before", "after"), [(28, 32), (100, 33), (7, 64), (640, 48)])
def test_weights_sum_to_one_exactly(before, after):
    found = weights(before, after).astype(np.float64)
    assert (found.sum(axis=1) == 1).all() and (found >= 0).all()
    assert (found * 4096 == np.round(found * 4096)).all()


def test_alone_is_as_in_a_batch():
    pictures = np.random.default_rng(1).integers(0, 256, (40, 3, 31, 45), dtype=np.uint8)
    whole = resize_all(pictures, 19, 24)
    for at in (0, 17, 39):
        assert np.array_equal(whole[at], resize_all(pictures[at:at + 1], 19, 24)[0])


def test_one_shade_stays_one_shade():
    for shade in (0, 1, 128, 255):
        assert (resize(np.full((50, 37, 3), shade, np.uint8), 13, 64) == shade).all()
