"""Pictures on a page, with their channels first as networks have them."""

from __future__ import annotations

import base64

import numpy as np

from wholefit.base.errors import ParameterError
from wholefit.data import png
from wholefit.report._html import Html, el


def encode(picture: np.ndarray) -> bytes:
    """The PNG file of a picture uint8 (channels, height, width), 1 or 3 channels."""
    channels, high, wide = picture.shape
    if channels not in (1, 3) or not high or not wide or picture.dtype != np.uint8:
        raise ParameterError("a PNG is made of uint8 (1 or 3, height, width); got "
                             f"{picture.dtype} {picture.shape}.")
    return png.encode(picture.transpose(1, 2, 0))


def tile(picture: np.ndarray, title: str, side: int = 96) -> Html:
    """A picture uint8 (channels, height, width) for a page, its longer side `side` wide."""
    _, high, wide = picture.shape
    ratio = side / max(high, wide)
    across, down = max(1, round(wide * ratio)), max(1, round(high * ratio))
    address = "data:image/png;base64," + base64.b64encode(encode(picture)).decode("ascii")
    image = el("image", href=address, width=str(across), height=str(down),
               style="image-rendering:pixelated", preserveAspectRatio="none")
    return el("svg", el("title", title), image, role="img", aria_label=title,
              viewBox=f"0 0 {across} {down}", width=str(across), height=str(down))


def sheet(rows: list[list[np.ndarray]]) -> np.ndarray:
    """Pictures (channels, h, w) of one size side by side, row under row, on white."""
    most = max(len(row) for row in rows)
    white = np.full_like(rows[0][0], 255)
    whole = np.stack([each for row in rows for each in (*row, *[white] * (most - len(row)))])
    return png.sheet(whole.transpose(0, 2, 3, 1), across=most).transpose(2, 0, 1)
