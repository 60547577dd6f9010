"""What catalog entries that read texts share: tokens in, word vectors to begin with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wholefit.base.errors import ParameterError
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features.encoding import Encoding
from wholefit.models._model import Context
from wholefit.models._network_entry import NetworkModel, Trained, for_networks


@dataclass(frozen=True)
class TextNetwork(NetworkModel):
    """A network over tokens; an entry has the fields tokens, vocabulary, length, vectors, frozen.

    One that has the field `validation` holds that share of the rows out to stop by.
    """

    def encoding(self, task: Task) -> Encoding:
        """Texts as token numbers, the rest as for other networks."""
        return for_networks(text="tokens", single=True, tokens=self._word("tokens"),
                            vocabulary=self._word("vocabulary"), length=self._word("length"))

    def build(self, task: Task, context: Context) -> Any:
        """NetworkClassifier or NetworkRegressor; that of "mlp" where there is no text to read."""
        columns = tuple(span.words for span in context.spans if span.kind == "tokens")
        if not columns:
            from wholefit.models.mlp import MLP

            said = {spec.name: self._word(spec.name) for spec in Trained.specs()}
            return MLP(**said).build(task, context)
        plain = super().build(task, context)
        if self._word("vectors") is None:
            return plain
        from wholefit.models._networks._reading import ReadingClassifier, ReadingRegressor

        kind = ReadingClassifier if context.n_classes else ReadingRegressor
        return kind(**plain.get_params(deep=False),
                    vectors=(self._word("vectors"), self._word("frozen"), columns))

    def restore(self, state: State, task: Task, context: Context) -> Any:
        """As other networks; the file of vectors is not needed again."""
        return NetworkModel.restore(self.replace(vectors=None), state, task, context)

    def options(self, task: Task, context: Context) -> dict[str, Any]:
        """Rows held out."""
        return {"validation": self._word("validation")}

    def begun(self, context: Context, network: dict[str, Any]) -> dict[str, Any]:
        """The network's options, as wide as the vectors of the file where there is one."""
        path = self._word("vectors")
        if path is None:
            return network
        from wholefit.models._networks._reading import width_of

        words = [word for span in context.spans for word in span.words]
        width = width_of(path, words) if words else None
        if width is None:
            raise ParameterError(
                f"{type(self).__name__}.vectors must hold vectors for words of the texts, and "
                f"tokens must be 'word'; got {path!r} and {self._word('tokens')!r}.")
        return {**network, "width": width}

    def _word(self, name: str) -> Any:
        return getattr(self, name)
