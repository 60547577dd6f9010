"""Several detectors as one: their scores on one scale, averaged.

The scale is how rare a score is among rows that were not learnt from: -log of the share of them
that score as high (one of the unifications that Kriegel et al., 2011, compare). Beyond the highest
it goes on as the logarithm, so that what is stranger than anything seen is still told apart.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.base.errors import ArtifactError
from wholefit.base.state import State
from wholefit.models._kernels.detectors import Detector, array
from wholefit.models._scorers import scorer


class Joined:
    """Detectors `names`; parts "member i". Arrays "score i" (ascending), "rarity i", "beyond i"
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
        """Features (n, p) to mean rarities (n,): 3 is a score that 5 % of usual rows have."""
        return self.each(X).mean(axis=1)

    def each(self, X: Any) -> np.ndarray:
        """Rarity of the score that each member gives, (n, members)."""
        found = [scale.read(member.answer(X))
                 for member, scale in zip(self.members, self._scales, strict=True)]
        return np.stack(found, axis=1)

    def read(self, scores: np.ndarray) -> np.ndarray:
        """Mean rarities (n,) of scores that the members gave, (n, members) in their order."""
        found = [scale.read(column) for column, scale in zip(scores.T, self._scales, strict=True)]
        return np.stack(found, axis=1).mean(axis=1)

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
        self._beyond = float(array(state, f"beyond {at}", 1)[0])
        self.usual = array(state, f"usual {at}", features)
        if (np.diff(self._score) < 0).any() or self._beyond <= 0:
            raise ArtifactError(_ALTERED)

    def read(self, scores: np.ndarray) -> np.ndarray:
        """Rarities (n,) of scores (n,)."""
        found = np.interp(scores, self._score, self._rarity)
        over = scores > self._score[-1]
        found[over] += np.log1p((scores[over] - self._score[-1]) / self._beyond)
        return found


_ALTERED = ("state of joined detectors does not hold what it must: it was altered, or not written "
            "by wholefit; save the model anew.")
