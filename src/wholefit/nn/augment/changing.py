"""The change of a batch: what the words say, drawn for each picture, done to all at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from wholefit.base.errors import ParameterError
from wholefit.nn.augment import mixing, tones, warps
from wholefit.nn.augment.settings import Augmentation, settle

_TOP = 255.0
_ERASED, _ASPECT = (0.02, 0.33), (0.3, 3.3)


class Augmenter:
    """`change(batch, generator)` of batches (inputs..., target), as `nn.train` takes it.

    The picture is the batch's entry `at`: (n, channels, height, width), bytes or floats of 0 to
    255; or flat (n, channels * height * width), with `shape` (channels, height, width). `classes`
    is the number of classes, which mixing needs. All that is random comes from the generator.
    """

    def __init__(
        self, words: Augmentation | Mapping[str, Any] | str, *, at: int = 0,
        shape: tuple[int, int, int] | None = None, classes: int | None = None,
    ) -> None:
        self.settings, self.at, self.shape, self.classes = settle(words), at, shape, classes

    def __call__(
        self, batch: tuple[torch.Tensor, ...], generator: torch.Generator
    ) -> tuple[torch.Tensor, ...]:
        """The batch with its pictures altered, and its target where they were mixed."""
        return self._altered(batch, generator, None)

    def weighted(
        self, batch: tuple[torch.Tensor, ...], generator: torch.Generator
    ) -> tuple[torch.Tensor, ...]:
        """As a call, of (inputs..., target, weight): where rows are mixed, their weights are."""
        return self._altered(batch[:-1], generator, batch[-1])

    def _altered(
        self, batch: tuple[torch.Tensor, ...], generator: torch.Generator,
        weight: torch.Tensor | None,
    ) -> tuple[torch.Tensor, ...]:
        own = () if weight is None else (weight,)
        if self.settings.idle:
            return (*batch, *own)
        found = list(batch)
        given = found[self.at]
        images = self._unrolled(given)
        draw = _Draw(generator, len(images), images.device)
        images = self.alter(images, draw)
        if self.settings.mixes:
            images, found[-1], own = self._mixed(images, found[-1], draw, own)
        found[self.at] = images.reshape(given.shape)
        return (*found, *own)

    def images(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Pictures by themselves, altered; nothing is mixed."""
        whole = self._unrolled(images)
        return self.alter(whole, _Draw(generator, len(whole), whole.device)).reshape(images.shape)

    def alter(self, images: torch.Tensor, draw: _Draw) -> torch.Tensor:
        """All changes but mixing, in order: places, shades, holes."""
        images = self._placed(images, draw)
        if self._shaded():
            images = self._toned(images.float(), draw)
        return self._holed(images, draw)

    def _unrolled(self, given: torch.Tensor) -> torch.Tensor:
        if given.ndim == 4:
            return given
        if self.shape is None or given.ndim != 2:
            raise ParameterError("augmentation changes pictures (n, channels, height, width), or "
                                 f"flat ones with shape=; got {tuple(given.shape)}.")
        return given.reshape(-1, *self.shape)

    def _placed(self, images: torch.Tensor, draw: _Draw) -> torch.Tensor:
        said = self.settings
        high, wide = images.shape[2:]
        mirror = draw.mirror(said.flip)
        if said.warps:
            theta = warps.matrices(
                warps.degrees(draw.within(said.rotate)), warps.degrees(draw.within(said.shear)),
                1 + draw.within(said.zoom, 2), draw.within(said.shift, 2), mirror, high, wide)
            images = warps.warp(images.float(), theta, said.fill)
        elif said.flip != "none":
            images = warps.flip(images, mirror)
        if said.crop:
            places = draw.whole(2 * said.crop + 1, 2)
            images = warps.crop(images, said.crop, places, said.fill)
        return images

    def _shaded(self) -> bool:
        said = self.settings
        return any((said.brightness, said.contrast, said.saturation, said.noise))

    def _toned(self, images: torch.Tensor, draw: _Draw) -> torch.Tensor:
        said = self.settings
        if said.brightness or said.contrast:
            images = tones.tone(images, 1 + draw.within(said.contrast),
                                draw.within(said.brightness) * _TOP)
        if said.saturation:
            images = tones.saturate(images, 1 + draw.within(said.saturation))
        if said.noise:
            images = images + draw.normal(images.shape) * (said.noise * _TOP)
        return images.clamp_(0, _TOP)

    def _holed(self, images: torch.Tensor, draw: _Draw) -> torch.Tensor:
        said = self.settings
        high, wide = images.shape[2:]
        if said.cutout:
            size = draw.filled((said.cutout * high, said.cutout * wide))
            hole = tones.boxes(draw.places(high, wide), size, high, wide)
            images = images.masked_fill(hole, 0)
        if said.erase:
            hole = tones.boxes(draw.places(high, wide), draw.rectangle(high, wide), high, wide)
            hole = hole & (draw.unit() < said.erase)[:, None, None, None]
            noise = (draw.uniform(images.shape) * _TOP).to(images.dtype)
            images = torch.where(hole, noise, images)
        return images

    def _mixed(
        self, images: torch.Tensor, target: torch.Tensor, draw: _Draw,
        own: tuple[torch.Tensor, ...],
    ) -> tuple[torch.Tensor, torch.Tensor, tuple[torch.Tensor, ...]]:
        said, shares = self.settings, self.classes is not None
        target, order = mixing.soft(target, self.classes), draw.order()
        shape = target.shape
        if own:
            target = mixing.weighed(target, own[0], shares=shares)
        pasted = said.cutmix > 0 and (said.mixup == 0 or draw.coin())
        share = draw.beta(said.cutmix if pasted else said.mixup)
        if pasted:
            images, target = mixing.paste(images, target, order, share,
                                          draw.places(*images.shape[2:]))
        else:
            images, target = mixing.blend(images.float(), target, order, share)
        if own:
            target, weight = mixing.unweighed(target, shape, shares=shares)
            own = (weight,)
        return images, target, own


class _Draw:
    """Random numbers for one batch: drawn where the generator is, used where the pictures are."""

    def __init__(self, generator: torch.Generator, count: int, device: torch.device) -> None:
        self.generator, self.count, self.device = generator, count, device
        self._own: torch.Generator | None = None

    def unit(self, *shape: int) -> torch.Tensor:
        """(n, *shape), 0 to 1."""
        found = torch.rand(self.count, *shape, generator=self.generator,
                           device=self.generator.device)
        return found.to(self.device)

    def within(self, reach: float, *shape: int) -> torch.Tensor:
        """(n, *shape), -reach to reach; nothing is drawn where that is 0."""
        if not reach:
            return torch.zeros(self.count, *shape, device=self.device)
        return (self.unit(*shape) * 2 - 1) * reach

    def whole(self, below: int, *shape: int) -> torch.Tensor:
        """(n, *shape) whole numbers, 0 to below - 1."""
        found = torch.randint(below, (self.count, *shape), generator=self.generator,
                              device=self.generator.device)
        return found.to(self.device)

    def mirror(self, flip: str) -> torch.Tensor:
        """(n, 2) of 1 or -1 for down and across."""
        found = torch.ones(self.count, 2, device=self.device)
        for axis, word in enumerate(("vertical", "horizontal")):
            if flip in (word, "both"):
                found[:, axis] = torch.where(self.unit() < 0.5, -1.0, 1.0)
        return found

    def places(self, height: int, width: int) -> torch.Tensor:
        """(n, 2) anywhere in the picture, in pixels."""
        return self.unit(2) * self.filled((float(height), float(width)))

    def rectangle(self, height: int, width: int) -> torch.Tensor:
        """(n, 2) sizes of 2 to 33% of the area, up to 3.3 times as long as wide."""
        low, high = _ERASED
        area = (low + self.unit() * (high - low)) * height * width
        spread = np.log(_ASPECT)
        aspect = torch.exp(spread[0] + self.unit() * (spread[1] - spread[0]))
        return torch.stack([torch.sqrt(area * aspect).clamp(max=height),
                            torch.sqrt(area / aspect).clamp(max=width)], 1)

    def filled(self, pair: tuple[float, float]) -> torch.Tensor:
        """(n, 2) of the same pair."""
        return torch.tensor(pair, device=self.device).expand(self.count, 2)

    def order(self) -> torch.Tensor:
        """The rows in another order: each one's partner."""
        found = torch.randperm(self.count, generator=self.generator,
                               device=self.generator.device)
        return found.to(self.device)

    def coin(self) -> bool:
        """Heads or tails, once for the batch."""
        return bool(torch.rand(1, generator=self.generator,
                               device=self.generator.device) < 0.5)

    def beta(self, strength: float) -> torch.Tensor:
        """(n,) of Beta(strength, strength)."""
        seed = int(torch.randint(2 ** 62, (1,), generator=self.generator,
                                 device=self.generator.device))
        found = np.random.default_rng(seed).beta(strength, strength, self.count)
        return torch.from_numpy(found.astype(np.float32)).to(self.device)

    def normal(self, shape: torch.Size) -> torch.Tensor:
        """Standard normal numbers, one a pixel."""
        return torch.randn(shape, generator=self._near(), device=self.device)

    def uniform(self, shape: torch.Size) -> torch.Tensor:
        """Numbers of 0 to 1, one a pixel."""
        return torch.rand(shape, generator=self._near(), device=self.device)

    def _near(self) -> torch.Generator:
        """A generator on the pictures' device, seeded by the batch's: pixels are many."""
        if self.generator.device == self.device:
            return self.generator
        if self._own is None:
            seed = int(torch.randint(2 ** 62, (1,), generator=self.generator,
                                     device=self.generator.device))
            self._own = torch.Generator(self.device).manual_seed(seed)
        return self._own
