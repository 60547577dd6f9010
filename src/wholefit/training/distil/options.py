"""How to distil; every word means the same on all faces."""

from __future__ import annotations

from dataclasses import dataclass

from wholefit.base.errors import unknown
from wholefit.base.params import Params, param
from wholefit.training.distil.students import STUDENTS, Size


@dataclass(frozen=True)
class Options(Params):
    """Which students, how large, taught on what."""

    to: str = param("tree", "The student: tree, boosted, linear; or all, side by side.")
    leaves: int = param(32, "Most leaves of the tree: fewer are read more easily.", low=2,
                        high=4096)
    rounds: int = param(100, "Rounds of the boosted trees, 15 leaves each.", low=1, high=2000)
    more: int | None = param(
        None, "Rows made up to teach on beside those given; four for each of them where they are "
        "few, if left out.", low=0, none=True)
    folds: int = param(5, "Folds in which students are taught and judged.", low=2, high=50)
    jobs: int = param(1, "Threads.", low=1)
    seed: int = param(0, "Every random choice follows from it.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.to not in (*STUDENTS, "all"):
            raise unknown("student", self.to, [*STUDENTS, "all"])

    @property
    def words(self) -> tuple[str, ...]:
        """The students asked for."""
        return tuple(STUDENTS) if self.to == "all" else (self.to,)

    @property
    def size(self) -> Size:
        """How large they may become."""
        return Size(self.leaves, self.rounds)
