"""Pages of pictures: what augmentation makes of them, and what a model takes them for."""

from __future__ import annotations

from wholefit.report.images import answered, augmentation

__all__ = ["answered", "augmentation"]
