"""Several detectors as one: their scores on one scale, averaged.

Nine tenths of the scale are how rare a score is: -log of the share of rows that score as high, up
to log 10, as unifications of scores go (Kriegel et al. 2011). The last tenth is how far out it is,
in steps of the way from the middle score to where that tenth begins; far out, steps count as their
logarithm. Ranks alone would make little of a row that is further out than all others.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.base.errors import ArtifactError
from wholefit.base.state import State
from wholefit.models._kernels.detectors import Detector, array
from wholefit.models._scorers import scorer

# Rarity where the strangest tenth begins, and the steps from where on they count less and less.
_TENTH, _BENT = float(np.log(10)), 3.0


class Joined:
    """Detectors `names`; parts "member i". Arrays "score i" (ascending), "rarity i", "step i"
    (1,) and "usual i" (p,) say how the scores of each are read.
    """

    def __init__(self, state: State) -> None:
        names = state.config.get("names")
        count = sum(name.startswith("member") for name in state.parts)
        if not isinstance(names, list) or not 1 <= len(names) == count:
            raise ArtifactError(_ALTERED)
        self.names = [str(name) for name in names]
        parts = [state.parts.get(f"member {at}") for at in range(count)]
        if any(part is None or not part.kind.startswith("detector.")
               or part.kind == state.kind for part in parts):
            raise ArtifactError(_ALTERED)
        self.members: list[Detector] = [scorer(part) for part in parts]  # type: ignore[misc,arg-type]
        self.features = self.members[0].features
        if any(member.features != self.features for member in self.members):
            raise ArtifactError(_ALTERED)
        self._scales = [_Scale(state, at, self.features) for at in range(count)]

    def answer(self, X: Any) -> np.ndarray:
        """Features (n, p) to mean rarities (n,); above 2.3 is the strangest tenth."""
        return self.each(X).mean(axis=1)

    def each(self, X: Any) -> np.ndarray:
        """Rarity of the score that each member gives, (n, members)."""
        found = [scale.read(member.answer(X))
                 for member, scale in zip(self.members, self._scales, strict=True)]
        return np.stack(found, axis=1)

    def parts(self, X: Any) -> np.ndarray:
        """What each feature adds to a row's score, (n, p), none below 0; a row's sum to its score.

        A member's rarity is shared out among the features in proportion to what they add there
        above what is usual for them.
        """
        found = np.zeros((X.shape[0], self.features))
        for member, scale in zip(self.members, self._scales, strict=True):
            excess = np.maximum(member.parts(X) - scale.usual, 0.0)
            total = excess.sum(axis=1, keepdims=True)
            even = np.full(excess.shape, 1 / self.features)
            shares = np.divide(excess, total, out=even, where=total > 0)
            found += shares * scale.read(member.answer(X))[:, None]
        return found / len(self.members)


class _Scale:
    """How the scores of one member are read."""

    def __init__(self, state: State, at: int, features: int) -> None:
        self._score = array(state, f"score {at}", None)
        self._rarity = array(state, f"rarity {at}", len(self._score))
        self._step = float(array(state, f"step {at}", 1)[0])
        self.usual = array(state, f"usual {at}", features)
        if (np.diff(self._score) < 0).any() or self._step <= 0:
            raise ArtifactError(_ALTERED)

    def read(self, scores: np.ndarray) -> np.ndarray:
        """Rarities (n,) of scores (n,)."""
        steps = np.maximum(scores - self._score[-1], 0.0) / self._step
        near = np.interp(scores, self._score, self._rarity)
        return np.asarray(near + _TENTH * _BENT * np.log1p(steps / _BENT))


_ALTERED = ("state of joined detectors does not hold what it must: it was altered, or not written "
            "by wholefit; save the model anew.")
