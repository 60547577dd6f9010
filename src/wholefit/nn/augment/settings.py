"""What may be done to pictures while a network learns, as plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wholefit.base.errors import ParameterError, unknown
from wholefit.base.params import Params, param

# What needs a new place for each pixel, computed by interpolation.
_WARPS = ("rotate", "shear", "zoom", "shift")


@dataclass(frozen=True)
class Augmentation(Params):
    """Random changes of pictures, each drawn anew for each picture each time; all off at first.

    Pixels run from 0 to 255. The recipe of many Keras programs (rotation 20, shifts 0.2, shear
    0.2, zoom 0.2, horizontal flip) is `Augmentation(rotate=20, shift=0.2, shear=0.2, zoom=0.2,
    flip="horizontal", fill="edge")`; Keras measures shear in degrees, as is done here.
    """

    flip: str = param("none", "Mirrored, half of the time.",
                      choices=("none", "horizontal", "vertical", "both"))
    rotate: float = param(0.0, "Turned by up to so many degrees, either way.", low=0, high=180,
                          search=(0, 30))
    shift: float = param(0.0, "Moved by up to this share of the side.", low=0, below=1,
                         search=(0, 0.2))
    shear: float = param(0.0, "Slanted by up to so many degrees.", low=0, below=90,
                         search=(0, 20))
    zoom: float = param(0.0, "Enlarged or shrunk by up to this share, each way by itself.", low=0,
                        below=1, search=(0, 0.3))
    crop: int = param(0, "Padded by so many pixels and cut at random to the old size.", low=0,
                      high=512, search=(0, 8))
    fill: str = param("zero", "What comes in from outside: black, the edge repeated, or the "
                      "picture mirrored.", choices=("zero", "edge", "mirror"))
    brightness: float = param(0.0, "Lighter or darker by up to this share of 255.", low=0, high=1,
                              search=(0, 0.4))
    contrast: float = param(0.0, "Differences from the picture's mean times 1 +- up to this.",
                            low=0, high=1, search=(0, 0.4))
    saturation: float = param(0.0, "Differences from grey times 1 +- up to this; colour only.",
                              low=0, high=1, search=(0, 0.4))
    noise: float = param(0.0, "Normal noise of this standard deviation, as a share of 255.", low=0,
                         high=1, search=(0, 0.1))
    cutout: float = param(0.0, "A square of this share of the side is blanked (DeVries & Taylor "
                          "2017).", low=0, high=1, search=(0, 0.5))
    erase: float = param(0.0, "Probability that a rectangle of 2 to 33% of the area becomes noise "
                         "(Zhong and others 2020).", low=0, high=1, search=(0, 0.5))
    mixup: float = param(0.0, "Two pictures and their answers blended, in shares of Beta(this, "
                         "this) (Zhang and others 2018).", low=0, search=(0, 0.4))
    cutmix: float = param(0.0, "A rectangle of another picture pasted in, answers in shares of the "
                          "area, of Beta(this, this) (Yun and others 2019).", low=0,
                          search=(0, 1.0))

    @property
    def idle(self) -> bool:
        """True if nothing is done."""
        return self == type(self)(fill=self.fill)

    @property
    def warps(self) -> bool:
        """True if pixels move to places between pixels."""
        return any(getattr(self, name) > 0 for name in _WARPS)

    @property
    def mixes(self) -> bool:
        """True if answers become shares of classes."""
        return self.mixup > 0 or self.cutmix > 0

    def worries(self, classes: Sequence[Any] = ()) -> list[str]:
        """Sentences on what may change a picture's meaning, given the names of the classes."""
        names = [str(name).strip() for name in classes]
        signs = len(names) > 1 and all(len(name) == 1 and name.isalnum() for name in names)
        found = []
        if self.flip != "none" and signs:
            found.append("the classes look like digits or letters, which mean something else when "
                         "mirrored: flip='none' would keep them what they are.")
        if self.flip in ("vertical", "both") and not signs:
            found.append("pictures are put upside down, which few things in photographs are.")
        if self.rotate > 45 and signs:
            found.append(f"signs are turned by up to {self.rotate:g} degrees: a 6 becomes a 9.")
        if self.cutout > 0.7:
            found.append(f"cutout={self.cutout:g} may blank the whole of what there is to see.")
        return found


def settle(words: Augmentation | Mapping[str, Any] | str) -> Augmentation:
    """Words as an Augmentation: one, a dict of its fields, or the name of a recipe."""
    if isinstance(words, Augmentation):
        return words
    if isinstance(words, str):
        if words not in RECIPES:
            raise unknown("recipe of augmentation", words, list(RECIPES))
        return RECIPES[words]
    if not isinstance(words, Mapping):
        raise ParameterError("augmentation must be an Augmentation, a dict of its fields, or one "
                             f"of {', '.join(RECIPES)}; got {words!r}.")
    return Augmentation.from_dict(dict(words))


RECIPES: dict[str, Augmentation] = {
    "none": Augmentation(),
    "signs": Augmentation(rotate=10, shift=0.08, zoom=0.1, shear=5),
    "objects": Augmentation(flip="horizontal", crop=4, fill="mirror"),
    "photos": Augmentation(flip="horizontal", rotate=15, shift=0.1, zoom=0.2, fill="mirror",
                           brightness=0.15, contrast=0.2, saturation=0.2),
    "keras": Augmentation(flip="horizontal", rotate=20, shift=0.2, shear=0.2, zoom=0.2,
                          fill="edge"),
    "strong": Augmentation(flip="horizontal", crop=4, fill="mirror", cutout=0.5, cutmix=1.0),
}
"""Named recipes: "signs" for digits and letters, "objects" for small pictures of things."""
