"""Augmentation: places against scipy, shares against sums, the same from the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

torch = pytest.importorskip("torch")

from wholefit.base.errors import ParameterError, UnknownNameError  # noqa: E402
from wholefit.nn.augment import RECIPES, Augmentation, Augmenter, mixing, settle, tones, warps  # noqa: E402  # noqa: E402

IMAGES = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (16, 3, 12, 20),
                                                            dtype=np.uint8))
CODES = torch.arange(16) % 4


def _generator(seed=0):
    return torch.Generator().manual_seed(seed)


def _run(seed=0, **words):
    return Augmenter(Augmentation(**words), classes=4)((IMAGES.clone(), CODES), _generator(seed))


@pytest.mark.parametrize(("angle", "slant", "zoom", "shift", "mirror"), [
    (0.3, 0.0, (1.0, 1.0), (0.0, 0.0), (1.0, 1.0)),
    (0.0, 0.2, (1.0, 1.0), (0.0, 0.0), (1.0, 1.0)),
    (0.0, 0.0, (1.3, 0.8), (0.1, -0.05), (1.0, 1.0)),
    (-0.4, 0.1, (1.2, 0.9), (0.2, 0.1), (-1.0, -1.0)),
])
def test_warps_are_what_scipy_makes(angle, slant, zoom, shift, mirror):
    high, wide = 20, 30
    image = torch.from_numpy(np.random.default_rng(1).uniform(0, 255, (1, 1, high, wide))).float()
    theta = warps.matrices(torch.tensor([angle]), torch.tensor([slant]), torch.tensor([zoom]),
                           torch.tensor([shift]), torch.tensor([mirror]), high, wide)
    found = warps.warp(image, theta, "zero")[0, 0].numpy()
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    turn = np.diag([mirror[1] / zoom[1], mirror[0] / zoom[0]]) @ turn @ np.array(
        [[1, -np.tan(slant)], [0, 1]])
    matrix = turn[::-1, ::-1]  # from x, y to rows, columns
    centre = np.array([(high - 1) / 2, (wide - 1) / 2])
    offset = centre - matrix @ (centre + np.array([shift[0] * high, shift[1] * wide]))
    peer = ndimage.affine_transform(image[0, 0].double().numpy(), matrix, offset=offset, order=1,
                                    mode="grid-constant")
    assert np.abs(found - peer).max() < 0.01


def test_a_shift_moves_right_and_down():
    image = torch.zeros(1, 1, 10, 10)
    image[0, 0, 2, 3] = 200
    ones = torch.ones(1, 2)
    theta = warps.matrices(torch.zeros(1), torch.zeros(1), ones, torch.tensor([[0.3, 0.4]]), ones,
                           10, 10)
    found = warps.warp(image, theta, "zero")[0, 0]
    assert found[5, 7] == pytest.approx(200, abs=0.01)


@pytest.mark.parametrize(("word", "axis"), [("horizontal", 3), ("vertical", 2)])
def test_flips_mirror_about_half(word, axis):
    found = torch.cat([_run(seed, flip=word)[0] for seed in range(8)])
    whole = IMAGES.repeat(8, 1, 1, 1)
    same = (found == whole).flatten(1).all(1)
    turned = (found == whole.flip(axis)).flatten(1).all(1)
    assert bool((same | turned).all()) and 40 < int(turned.sum()) < 88
    assert found.dtype == torch.uint8


def test_a_crop_is_a_window_of_the_padded_picture():
    found = _run(crop=3)[0]
    padded = torch.nn.functional.pad(IMAGES, (3, 3, 3, 3))
    for at in range(16):
        windows = (padded[at, :, y:y + 12, x:x + 20] for y in range(7) for x in range(7))
        assert any(torch.equal(found[at], window) for window in windows)
    assert found.dtype == torch.uint8


@pytest.mark.parametrize("fill", ["zero", "edge", "mirror"])
def test_fills(fill):
    shade = torch.full((4, 1, 10, 10), 90.0)
    change = Augmenter(Augmentation(shift=0.4, crop=20, rotate=30, fill=fill))
    found = change((shade, torch.zeros(4)), _generator())[0]
    assert (float(found.min()) < 80) == (fill == "zero")
    assert float(found.max()) <= 90.01


def test_shades_stay_within_bytes_and_keep_the_mean():
    found = _run(brightness=1.0, contrast=1.0, saturation=1.0, noise=0.5)[0]
    assert float(found.min()) >= 0 and float(found.max()) <= 255
    images = IMAGES.float()
    flat = tones.tone(images, torch.full((16,), 0.5), torch.zeros(16))
    assert torch.allclose(flat.mean((1, 2, 3)), images.mean((1, 2, 3)), atol=1e-3)
    assert torch.allclose(flat.std((1, 2, 3)), images.std((1, 2, 3)) / 2, atol=1e-3)
    grey = tones.saturate(images, torch.zeros(16))
    assert torch.allclose(grey[:, 0], grey[:, 2], atol=1e-3)
    assert torch.equal(tones.saturate(images[:, :1], torch.zeros(16)), images[:, :1])


def test_holes():
    white = torch.full((200, 1, 20, 20), 255.0)
    target = torch.zeros(200)
    cut = Augmenter(Augmentation(cutout=0.5))((white, target), _generator())[0]
    holes = (cut == 0).float().mean((1, 2, 3))
    assert float(holes.max()) <= 0.25 + 1e-6 and 0.1 < float(holes.mean()) < 0.25
    erased = Augmenter(Augmentation(erase=0.5))((white, target), _generator())[0]
    touched = (erased != 255).flatten(1).any(1).float().mean()
    assert 0.35 < float(touched) < 0.65


def test_mixup_blends_pictures_and_answers_alike():
    _, target = _run(mixup=0.4)
    assert target.shape == (16, 4) and torch.allclose(target.sum(1), torch.ones(16))
    order, share = torch.arange(16).flip(0), torch.linspace(0, 1, 16)
    mixed, answers = mixing.blend(IMAGES.float(), mixing.soft(CODES, 4), order, share)
    by_hand = share[3] * IMAGES[3].float() + (1 - share[3]) * IMAGES[12].float()
    assert torch.allclose(mixed[3], by_hand, atol=1e-3)
    assert answers[3, CODES[3]] == pytest.approx(float(share[3]), abs=1e-6)


def test_cutmix_weighs_by_the_area_that_is_left():
    zeros, ones = torch.zeros(8, 1, 16, 16), torch.ones(8, 1, 16, 16)
    images = torch.cat([zeros, ones])
    order = torch.arange(16).roll(8)
    centre = torch.rand(16, 2, generator=_generator()) * 16
    found, answers = mixing.paste(images, mixing.soft(torch.arange(16) // 8, 2), order,
                                  torch.linspace(0, 1, 16), centre)
    assert torch.allclose(found.mean((1, 2, 3)), answers[:, 1], atol=1e-6)
    assert torch.allclose(answers.sum(1), torch.ones(16))


def test_mixing_of_numbers_and_without_the_number_of_classes():
    numbers = torch.linspace(0, 1, 16)
    found = Augmenter(Augmentation(mixup=1.0))((IMAGES, numbers), _generator())[1]
    assert found.shape == (16,) and float(found.min()) >= 0 and float(found.max()) <= 1
    with pytest.raises(ParameterError, match="classes="):
        Augmenter(Augmentation(mixup=1.0))((IMAGES, CODES), _generator())


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_the_same_seed_gives_the_same_batch(name):
    state = torch.get_rng_state()
    change = Augmenter(name, classes=4)
    first, again = (change((IMAGES.clone(), CODES), _generator(3)) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    other = change((IMAGES.clone(), CODES), _generator(4))
    assert name == "none" or not torch.equal(first[0].float(), other[0].float())
    assert torch.equal(state, torch.get_rng_state())


def test_flat_pictures_and_the_place_among_inputs():
    numbers = torch.randn(16, 5, generator=_generator())
    change = Augmenter(Augmentation(flip="horizontal"), at=1, shape=(3, 12, 20))
    same, flat, codes = change((numbers, IMAGES.flatten(1), CODES), _generator())
    assert torch.equal(same, numbers) and torch.equal(codes, CODES)
    assert torch.equal(flat.view(-1, 3, 12, 20), _run(flip="horizontal")[0])
    with pytest.raises(ParameterError, match="pictures"):
        Augmenter(Augmentation(flip="horizontal"))((numbers, CODES), _generator())


def test_words():
    assert settle("keras") == Augmentation(flip="horizontal", rotate=20, shift=0.2, shear=0.2,
                                           zoom=0.2, fill="edge")
    assert settle({"rotate": 5}).rotate == 5 and Augmentation(fill="edge").idle
    with pytest.raises(UnknownNameError, match="keras"):
        settle("keraz")
    with pytest.raises(UnknownNameError, match="rotate"):
        settle({"rotat": 5})
    with pytest.raises(ParameterError):
        Augmentation(zoom=1.0)
    with pytest.raises(ParameterError):
        settle(5)
    digits = [str(digit) for digit in range(10)]
    assert "digits" in Augmentation(flip="horizontal").worries(digits)[0]
    assert Augmentation(flip="horizontal").worries(["cat", "dog"]) == []
    assert Augmentation(flip="vertical").worries(["cat", "dog"])
    assert Augmentation(rotate=90).worries(digits)


def test_mixed_rows_count_by_their_own_weights():
    """A mixed row's loss is that of its parts, each by its own share and its own weight."""
    weight = torch.linspace(0, 3, 16)
    for words in ({"mixup": 0.4}, {"cutmix": 1.0}):
        alter = Augmenter(Augmentation(**words), classes=4)
        plain, answers = alter((IMAGES.clone(), torch.arange(16) % 4), _generator())
        images, target, mixed = alter.weighted((IMAGES.clone(), CODES, weight), _generator())
        assert torch.equal(images, plain)
        rows = Augmenter(Augmentation(**words), classes=16)((IMAGES.clone(), torch.arange(16)),
                                                            _generator())[1]
        assert torch.allclose(mixed, rows @ weight, atol=1e-5)
        parts = (rows * weight) @ torch.nn.functional.one_hot(CODES, 4).float()
        assert torch.allclose(target * mixed[:, None], parts, atol=1e-5)
        assert not torch.allclose(target, answers, atol=0.05)
    numbers = Augmenter(Augmentation(mixup=0.4))
    values = torch.arange(16.0)
    once = numbers((IMAGES.clone(), values), _generator())[1]
    again, mixed = numbers.weighted((IMAGES.clone(), values, weight), _generator())[1:]
    assert torch.allclose(again, once) and torch.allclose(mixed, weight[-1] * once / 15, atol=1e-5)


def test_training_gives_mixed_rows_their_mixed_weights():
    from wholefit.nn import preparing

    change = preparing._changed(Augmenter(Augmentation(mixup=0.4), classes=4), weighted=True)
    weight = change((IMAGES, CODES, torch.arange(16.0)), _generator())[-1]
    assert not torch.equal(weight, torch.arange(16.0))
    own = preparing._changed(lambda batch, generator: batch, weighted=True)
    assert torch.equal(own((IMAGES, CODES, torch.arange(16.0)), _generator())[-1],
                       torch.arange(16.0))
