"""What the server asks of others: models, who chooses among them, who may ask, who keeps answers.

The server knows these protocols alone. `wholefit.api.serving` makes a `Served` of any fitted
thing; `serving.routing` chooses; `serving.access` admits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from wholefit.base.tasks import Verb

if TYPE_CHECKING:
    import polars as pl

Row = dict[str, Any]
Answers = dict[str, list[Any]]


@dataclass(frozen=True)
class Input:
    """One column that a row has.

    `role` is the schema's ("numeric", "categorical", "boolean", "datetime", "text", "image", or
    "identifier", which is handed back and not learnt from). `levels` are a category's, as far as
    they are known; `low` and `high` the range of numbers that training saw: neither is a limit.
    """

    name: str
    role: str
    required: bool = True
    levels: tuple[str, ...] | None = None
    low: float | None = None
    high: float | None = None
    whole: bool = False


@dataclass(frozen=True)
class Wants:
    """What a request wants of a model beside the plain answer.

    `verb` is one of the task's ("" for its first); `proba` asks for the probabilities of classes;
    `level` for an interval or a set that holds the truth that often; `explain` for what each
    column adds; `least` for no prediction where the model is less sure. `options` are a verb's own
    (`k` of recommend, `n` and `seed` of sample).
    """

    verb: str = ""
    proba: bool = True
    level: float | None = None
    explain: bool = False
    least: float | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def plain(self) -> bool:
        """Whether nothing is wanted but the plain answer: such requests may share a batch."""
        return self == PLAIN


PLAIN = Wants()


class Served(Protocol):
    """One version of one model, ready to answer.

    `answer` and `table` may be called from worker threads, `quick` only from the server's own.
    """

    name: str
    version: str
    task: str
    facts: Mapping[str, Any]
    inputs: Sequence[Input]
    verbs: Sequence[Verb]

    def quick(self, rows: Sequence[Row], wants: Wants) -> Answers | None:
        """The answers in microseconds, one value a row in each column; None to go the slow way."""

    def answer(self, rows: Sequence[Row], wants: Wants) -> Answers:
        """The answers, JSON-able, one value a row in each column; SchemaError, ParameterError."""

    def table(self, frame: pl.DataFrame, wants: Wants) -> pl.DataFrame:
        """The answers to a frame of rows, identifiers kept."""

    def rowwise(self, wants: Wants) -> bool:
        """Whether the verb gives one answer a row; a list of items or made rows are not."""


@dataclass(frozen=True)
class Choice:
    """Who answers a request, and who else answers it unseen."""

    served: Served
    shadows: tuple[Served, ...] = ()


class Routing(Protocol):
    """Which model answers. All methods are quick: they are asked on every request."""

    @property
    def revision(self) -> int:
        """A number that changes whenever what is served changes."""

    def choose(self, name: str | None, version: str | None, key: str | None) -> Choice:
        """Who answers: `name` None is the only or first model, `version` None the one in force.

        `key` makes the choice among shares sticky. UnknownNameError for what is not served.
        """

    def served(self) -> Sequence[Served]:
        """Every model and version that can be asked, in order of name and version."""

    def shares(self, name: str) -> Mapping[str, float]:
        """Version to its share of the requests that name no version."""


class Caller(Protocol):
    """Who asks, once admitted."""

    name: str


class Access(Protocol):
    """Who may ask."""

    def admit(self, token: str | None, scope: str, model: str | None, client: str) -> Caller:
        """The caller that a token belongs to; `serving.problems.Refused` where it may not.

        `token` comes from "Authorization: Bearer ..." or "X-API-Key"; `scope` is "predict",
        "feedback", "read" (facts, OpenAPI, metrics) or "admin"; `client` the caller's address.
        """


@dataclass(frozen=True)
class Kept:
    """The answers of one request, for who keeps a log; whether rows are kept is theirs to say."""

    id: str
    at: float
    served: Served
    rows: Sequence[Row] | None
    answers: Answers
    seconds: float
    shadow: bool = False


class Keeper(Protocol):
    """Who keeps answers and what became true."""

    def keep(self, kept: Kept) -> None:
        """Take the answers of one request: at once, and without an error whatever happens."""

    def feedback(self, told: Sequence[tuple[str, Any, float | None]]) -> int:
        """Take ids with what became true and when (seconds since 1970).

        Gives how many were of answers that are known. May take as long as a disk does; called on
        a worker thread.
        """
