"""One picture's bytes: every mode upright in bytes, everything bad refused with its reason."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from tests.data.images.conftest import encoded, painted

from wholefit.data.images import cells
from wholefit.data.images.decode import Bad, decode

image_module = pytest.importorskip("PIL.Image")


def _saved(image, kind="PNG", **options):
    sink = io.BytesIO()
    image.save(sink, format=kind, **options)
    return sink.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM"])
def test_grey_and_colour_of_every_format(kind):
    pixels = painted(channels=3)
    found = decode(encoded(pixels, kind, **({"lossless": True} if kind == "WEBP" else {})))
    assert found.shape == (12, 10, 3) and found.dtype == np.uint8
    assert np.abs(found.astype(int) - pixels).max() <= (60 if kind == "GIF" else 0)


def test_grey_keeps_one_channel():
    pixels = painted(channels=1)
    assert np.array_equal(decode(encoded(pixels)), pixels)


def test_what_is_transparent_is_white():
    pixels = np.zeros((4, 4, 4), np.uint8)
    pixels[:2] = (200, 10, 10, 255)
    found = decode(encoded(pixels))
    assert found.shape == (4, 4, 3)
    assert (found[:2] == (200, 10, 10)).all() and (found[2:] == 255).all()


def test_half_transparent_is_blended():
    pixels = np.full((2, 2, 4), (0, 0, 0, 128), np.uint8)
    assert abs(int(decode(encoded(pixels))[0, 0, 0]) - 127) <= 1


def test_palette_with_and_without_transparency():
    image = image_module.fromarray(painted()).quantize(4)
    assert decode(_saved(image)).shape == (12, 10, 3)
    image.info["transparency"] = 0
    found = decode(_saved(image, transparency=0))
    gone = np.asarray(image) == 0
    assert gone.any() and (found[gone] == 255).all()


def test_sixteen_bits_keep_the_upper_byte():
    values = np.array([[0, 257 * 7], [257 * 128, 65535]], np.uint16)
    found = decode(_saved(image_module.fromarray(values)))
    assert found[:, :, 0].tolist() == [[0, 7], [128, 255]]


def test_one_bit_and_cmyk():
    ones = image_module.fromarray(np.eye(4, dtype=bool))
    assert set(np.unique(decode(_saved(ones)))) == {0, 255}
    cmyk = image_module.fromarray(painted()).convert("CMYK")
    assert decode(_saved(cmyk, "JPEG")).shape == (12, 10, 3)


def test_the_camera_says_which_way_is_up():
    pixels = np.zeros((4, 8, 3), np.uint8)
    pixels[:, :2] = 250
    image = image_module.fromarray(pixels)
    exif = image.getexif()
    exif[0x0112] = 6  # turn a quarter to the right to see it upright
    found = decode(_saved(image, "PNG", exif=exif))
    assert found.shape == (8, 4, 3)
    assert np.array_equal(found, np.rot90(pixels, -1))


def test_the_longer_side_is_bounded_and_the_shape_kept():
    found = decode(encoded(np.full((300, 100, 3), 77, np.uint8)), limit=50)
    assert found.shape == (50, 17, 3) and (found == 77).all()
    assert decode(encoded(np.zeros((300, 1, 3), np.uint8)), limit=10).shape == (10, 1, 3)


def test_a_moving_picture_is_its_first_frame():
    frames = [image_module.fromarray(np.full((4, 4), shade, np.uint8)) for shade in (10, 200)]
    data = _saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert np.abs(decode(data).astype(int) - 10).max() <= 1


@pytest.mark.parametrize(("data", "why"), [
    (b"", "empty"), (b"hello, I am no picture", "not a picture"),
    (b"\x89PNG\r\n\x1a\n", "damaged"), (b"\xff\xd8\xff\xe0", "damaged"),
    (b"P6 2 2 255\n\0", "truncated|damaged"),
])
def test_what_is_no_picture(data, why):
    with pytest.raises(Bad, match=why):
        decode(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_truncated_file(kind):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = encoded(noise, kind)
    with pytest.raises(Bad, match=r"truncated|damaged"):
        decode(data[:len(data) // 2])


def test_a_bomb_is_refused_by_its_header():
    """A PNG that says 60,000 x 60,000 pixels: nothing of it is decoded."""
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n"
    for kind, body in ((b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b"")):
        data += struct.pack(">I", len(body)) + kind + body
        data += struct.pack(">I", zlib.crc32(kind + body))
    with pytest.raises(Bad, match="pixels"):
        decode(data)
    head = struct.pack(">IIBBBBB", 9_000, 9_000, 8, 2, 0, 0, 0)  # below Pillow's own bound
    small = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + head + struct.pack(
        ">I", zlib.crc32(b"IHDR" + head)) + data[data.index(b"IDAT") - 4:]
    with pytest.raises(Bad, match="above 64 million"):
        decode(small)


def test_formats_that_run_programs_are_not_opened():
    with pytest.raises(Bad, match="not a picture"):
        decode(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n")


def test_cells_hold_pixels_and_refuse_other_bytes():
    pixels = painted()
    cell = cells.pack(pixels)
    assert np.array_equal(cells.unpack(cell), pixels) and cells.size(cell) == (3, 12, 10)
    for bad in (b"", cell[:-1], cell + b"x", b"xxxx" + cell[4:], encoded(pixels)):
        assert not cells.is_cell(bad)
