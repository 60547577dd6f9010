"""The words that a model answers to, as a path says them."""

from __future__ import annotations

from wholefit.base.errors import unknown
from wholefit.serving import bodies
from wholefit.serving._model import PLAIN, Served, Wants
from wholefit.serving.problems import Refused

# Said for short, where the task has no verb of that name.
_SHORT = {"score": "score_samples"}
EXPLAIN = "explain"


class Verbs:
    """The verbs of a served model, and what each wants; the first is its plain answer."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._options = {verb.name: verb.options for verb in served.verbs}
        self.main = served.verbs[0].name
        self._wants: dict[str, Wants] = {"": PLAIN, self.main: PLAIN, EXPLAIN: Wants(explain=True)}
        for name in self._options:
            self._wants.setdefault(name, Wants(name))
        # Everybody's word: of a task that does not predict, it is what the task does instead.
        self._wants.setdefault("predict", PLAIN)
        for short, name in _SHORT.items():
            if name in self._wants:
                self._wants.setdefault(short, self._wants[name])

    def wants(self, word: str, query: dict[str, str]) -> Wants:
        """What the word and the words after ? want; Refused (404) for no verb of the task."""
        found = self._wants.get(word)
        if found is None:
            raise Refused(404, str(unknown(f"verb of {self._served.task}", word,
                                           [*self._options, EXPLAIN])))
        return bodies.wants_of(found, query) if query else found

    def lasting(self, wants: Wants) -> bool:
        """Whether these are wants without words after ?, which are one object for all requests."""
        return any(wants is each for each in self._wants.values())

    def check(self, wants: Wants) -> None:
        """Refused (400) for an option that a verb which answers row by row does not have."""
        if not wants.options or not self._served.rowwise(wants):
            return
        names = ["proba", "level", "explain", "least",
                 *self._options.get(wants.verb or self.main, ()),
                 *getattr(self._served, "more_options", ())]
        for name in wants.options:
            if name not in names:
                raise Refused(400, str(unknown("option", name, list(dict.fromkeys(names)))))

    def named(self, wants: Wants) -> str:
        """The verb's own name, as metrics and logs tell it."""
        if wants.explain and not wants.verb:
            return EXPLAIN
        return wants.verb or self.main
