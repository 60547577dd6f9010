"""Results that came of one model in several ways, by the word of each way."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from wholefit.base.errors import DataError, unknown

if TYPE_CHECKING:
    from wholefit.api.result import Result


class Several:
    """`found[word]` is the Result of a way."""

    _results: Mapping[str, Result]
    _called: ClassVar[str]
    _said: ClassVar[str]

    def __getitem__(self, word: str) -> Result:
        """The Result of a way; UnknownNameError for a word that was not asked for."""
        if word not in self._results:
            raise unknown(self._called, word, list(self._results))
        return self._results[word]

    def save(self, path: str | Path, *, force: bool = False) -> list[Path]:
        """Save the model; of several each beside the others, as small-WORD.wf."""
        path = Path(path)
        several = len(self._results) > 1
        return [result.save(path.with_name(f"{path.stem}-{word}{path.suffix}") if several else path,
                            force=force) for word, result in self._results.items()]

    def _only(self) -> Result:
        """The Result of the only way; DataError where there are several."""
        if len(self._results) > 1:
            word = next(iter(self._results))
            raise DataError(f"{self._said}: name one, found[{word!r}], of "
                            f"{', '.join(self._results)}.")
        return next(iter(self._results.values()))
