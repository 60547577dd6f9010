"""Pictures made here, small."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

image_module = pytest.importorskip("PIL.Image")

Painter = Callable[..., bytes]


def painted(seed: int = 0, size: tuple[int, int] = (12, 10), channels: int = 3) -> np.ndarray:
    """Random pixels (h, w, c), smooth enough for JPEG."""
    rough = np.random.default_rng(seed).integers(0, 256, (3, 3, channels), dtype=np.uint8)
    return np.repeat(np.repeat(rough, 4, axis=0), 4, axis=1)[:size[0], :size[1]]


def encoded(pixels: np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    """The file's bytes of pixels (h, w, c) or (h, w)."""
    flat = pixels[:, :, 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    sink = io.BytesIO()
    image_module.fromarray(flat).save(sink, format=kind, **options)
    return sink.getvalue()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of two classes of 12 pictures each: dark ones and light ones."""
    root = tmp_path / "photos"
    for label, shade in (("dark", 40), ("light", 200)):
        (root / label).mkdir(parents=True)
        for at in range(12):
            pixels = (painted(at) // 8 + shade).astype(np.uint8)
            (root / label / f"{label}{at:02}.png").write_bytes(encoded(pixels))
    return root
