"""The labelling page: keyboard first, served by the standard library to this machine only."""

from __future__ import annotations

from wholefit.web.labelling._desk import Desk
from wholefit.web.labelling._server import serve

__all__ = ["Desk", "serve"]
