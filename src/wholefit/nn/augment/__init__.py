"""Random changes of pictures in batches, on the device they are on.

    change = Augmenter(Augmentation(flip="horizontal", crop=4), classes=10)
    train(module, (images, classes), recipe, change=change)
"""

from __future__ import annotations

from wholefit.nn.augment.averaging import averaged
from wholefit.nn.augment.changing import Augmenter
from wholefit.nn.augment.choosing import Choice, choose
from wholefit.nn.augment.settings import RECIPES, Augmentation, settle

__all__ = ["RECIPES", "Augmentation", "Augmenter", "Choice", "averaged", "choose", "settle"]
