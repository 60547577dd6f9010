"""Strategies that never suggest the same configuration twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wholefit.training.tuning._strategy import Setting, Suggestion


class Distinct:
    """Suggests the first of `_candidates()` that was not suggested before."""

    def __init__(self, setting: Setting, options: Any) -> None:
        self.setting, self.options = setting, options
        self._asked = 0
        self._keys: set[str] = set()

    def _candidates(self) -> Iterator[dict[str, Any]]:
        """Configurations for the next suggestion, the best guess first."""
        raise NotImplementedError

    def ask(self) -> Suggestion | None:
        """A configuration not suggested before; None when a finite space is used up."""
        space = self.setting.space
        if len(self._keys) >= space.size():
            return None
        for values in self._candidates():
            key = space.key(values)
            if key not in self._keys:
                self._keys.add(key)
                self._asked += 1
                return Suggestion(self._asked - 1, values)
        return None

    def state(self) -> dict[str, Any]:
        """How many were asked for, and which."""
        return {"asked": self._asked, "keys": sorted(self._keys)}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken."""
        self._asked, self._keys = int(state["asked"]), set(state["keys"])
