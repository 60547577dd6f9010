"""Two pictures made one, and their answers with them."""

from __future__ import annotations

import torch

from wholefit.base.errors import ParameterError
from wholefit.nn.augment.tones import boxes


def soft(target: torch.Tensor, classes: int | None) -> torch.Tensor:
    """Answers that can be blended: class codes (n,) as shares (n, classes); others as floats."""
    if target.dtype.is_floating_point:
        return target
    if target.ndim > 1:
        return target.float()
    if classes is None:
        raise ParameterError("mixup and cutmix blend classes, so that the number of classes must "
                             "be said: classes=.")
    return torch.nn.functional.one_hot(target.long(), classes).float()


def weighed(target: torch.Tensor, weight: torch.Tensor, *, shares: bool) -> torch.Tensor:
    """Answers with their rows' weight (n,) as a last column, to be blended together.

    `shares` of classes count by their row's weight: blended so, and parted by `unweighed`, a row's
    loss is that of its parts, each by its own share and weight.
    """
    column = weight.to(target.dtype).view(-1, 1)
    flat = target.reshape(len(target), -1)
    return torch.cat([flat * column if shares else flat, column], 1)


def unweighed(
    both: torch.Tensor, shape: torch.Size, *, shares: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Answers of that shape, and weights (n,), of what `weighed` joined."""
    target, weight = both[:, :-1], both[:, -1]
    if shares:
        target = target / weight[:, None].clamp_min(1e-12)
    return target.reshape(shape), weight


def blend(
    images: torch.Tensor, target: torch.Tensor, order: torch.Tensor, share: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Images and answers, `share` (n,) of each and the rest of its partner `order` (n,)."""
    shape = (-1,) + (1,) * (images.ndim - 1)
    images = torch.lerp(images[order], images, share.to(images.dtype).view(shape))
    return images, _answers(target, order, share)


def paste(
    images: torch.Tensor, target: torch.Tensor, order: torch.Tensor, share: torch.Tensor,
    centre: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """A box of 1 - `share` of the area of its partner in each image; answers by the area pasted.

    The box is cut off at the edge, and answers are weighed by what is left of it.
    """
    high, wide = images.shape[2:]
    side = torch.sqrt(1 - share)
    size = torch.stack([side * high, side * wide], 1)
    hole = boxes(centre, size, high, wide)
    left = 1 - hole.float().mean(dim=(1, 2, 3))
    return torch.where(hole, images[order], images), _answers(target, order, left)


def _answers(target: torch.Tensor, order: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    share = share.to(target.dtype).view((-1,) + (1,) * (target.ndim - 1))
    return share * target + (1 - share) * target[order]
