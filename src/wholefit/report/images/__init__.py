"""Pages of pictures: what augmentation makes of them, and what a model takes them for."""

from __future__ import annotations

from wholefit.report.images import answered, augmentation
from wholefit.report.images.answered import section

__all__ = ["answered", "augmentation", "section"]
