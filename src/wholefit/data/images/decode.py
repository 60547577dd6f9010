"""One picture's bytes to pixels: whatever the format, upright, in one or three channels of bytes.

Pictures are untrusted: the formats are a fixed list, the size is read from the header and refused
before a pixel is decoded, and whatever goes wrong is a `Bad` with its reason, never a crash.
"""

from __future__ import annotations

import io
import threading
import warnings
from contextlib import nullcontext
from typing import Any

import numpy as np

from wholefit.base.optional import need
from wholefit.base.wording import first_line

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
ENDINGS = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm",
           ".pbm")
MOST_PIXELS = 64_000_000
"""Width times height above which a picture is refused: 192 MB of pixels."""
MOST_BYTES = 128_000_000
LARGE = 8_000_000
"""Width times height above which pictures are decoded one at a time, whatever the threads: with
eight of them, 64 + 8 x 8 million pixels stand in memory at most."""
_ONE_LARGE = threading.Lock()
LIMIT = 128
"""The longer side that pictures are shrunk to when read, unless the reader says otherwise."""
_MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"RIFF",
          b"P1", b"P2", b"P3", b"P4", b"P5", b"P6")


class Bad(Exception):
    """A picture that cannot be used, and why, in a few words."""


def looks_like(data: Any) -> bool:
    """True if these bytes begin like a picture of a known format."""
    return isinstance(data, bytes) and data.startswith(_MAGIC) and (
        data[:4] != b"RIFF" or data[8:12] == b"WEBP")


def decode(data: bytes, limit: int = LIMIT) -> np.ndarray:
    """Pixels uint8 (height, width, 1 or 3) of an encoded picture, the longer side at most `limit`.

    The camera's note of which way is up is honoured; what is transparent becomes white; 16-bit
    greys keep their upper byte; of a moving picture the first one counts. Raises Bad.
    """
    if len(data) > MOST_BYTES:
        raise Bad(f"{len(data) / 1e6:.0f} MB, above {MOST_BYTES / 1e6:.0f}")
    if not data:
        raise Bad("empty")
    image_module = need("PIL.Image", extra="images", user="reading pictures")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with image_module.open(io.BytesIO(data), formats=FORMATS) as image:
                return _pixels(image, image_module, limit)
    except Bad:
        raise
    except image_module.UnidentifiedImageError:
        raise Bad("not a picture" if not looks_like(data) else "damaged") from None
    except image_module.DecompressionBombError:
        raise Bad("too many pixels") from None
    except MemoryError:
        raise Bad("too large for the memory") from None
    except Exception as error:  # Pillow's decoders raise whatever a damaged file leads them to
        said = first_line(error)
        short = "truncated" if "truncated" in said.lower() else f"damaged ({said[:80]})"
        raise Bad(short) from None


def _pixels(image: Any, image_module: Any, limit: int) -> np.ndarray:
    wide, high = image.size
    if wide * high > MOST_PIXELS:
        raise Bad(f"{wide:,} x {high:,} pixels, above {MOST_PIXELS // 1_000_000} million")
    if image.format == "JPEG":
        image.draft(None, (2 * limit, 2 * limit))  # the decoder itself can halve, which is quick
    wide, high = image.size
    with _ONE_LARGE if wide * high > LARGE else nullcontext():
        return _shrunk(image, image_module, limit)


def _shrunk(image: Any, image_module: Any, limit: int) -> np.ndarray:
    """Pixels of an opened picture, upright, the longer side at most `limit`."""
    image.load()
    orient = need("PIL.ImageOps", extra="images", user="reading pictures").exif_transpose
    image = _plain(orient(image), image_module)
    if max(image.size) > limit:
        ratio = limit / max(image.size)
        size = tuple(max(1, round(side * ratio)) for side in image.size)
        image = image.resize(size, image_module.Resampling.BILINEAR, reducing_gap=3.0)
    pixels = np.asarray(image, dtype=np.uint8)
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def _plain(image: Any, image_module: Any) -> Any:
    """The picture in mode L or RGB."""
    if image.mode in ("L", "RGB"):
        if "transparency" not in image.info:
            return image
        image = image.convert("RGBA")
    if image.mode.startswith("I") or image.mode == "F":
        return image_module.fromarray(_bytes(np.asarray(image)))
    if image.mode == "1":
        return image.convert("L")
    if image.mode == "P" and "transparency" not in image.info:
        return image.convert("RGB")
    if image.mode in ("LA", "PA", "RGBA", "La", "RGBa", "P"):
        grey = image.mode in ("LA", "La")
        image = image.convert("RGBA")
        ground = image_module.new("RGBA", image.size, (255, 255, 255, 255))
        return image_module.alpha_composite(ground, image).convert("L" if grey else "RGB")
    return image.convert("RGB")


def _bytes(values: np.ndarray) -> np.ndarray:
    """Grey values of 16 bits or of any real scale as bytes."""
    values = np.nan_to_num(values.astype(np.float64), posinf=0.0, neginf=0.0)
    top = values.max(initial=0.0)
    if top > 255:
        values = values / 257.0  # 65535 becomes 255
    elif 0 < top <= 1 and (values != np.floor(values)).any():
        values = values * 255.0
    return np.clip(np.round(values), 0, 255).astype(np.uint8)

