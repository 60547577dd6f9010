"""What suggesting gives: the table of trials, what was accepted, and what it is worth."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from wholefit.base.wording import aligned
from wholefit.evaluation import Score
from wholefit.features.custom import Custom
from wholefit.features.engineer import writing

_SHOWN = 12


@dataclass(frozen=True)
class Gain:
    """What a feature adds to a model's metric: above 0 is better; with an interval at 95%.

    `p` is one-sided and of this trial alone; `adjusted` is corrected for all candidates. Both
    are 1 where `failure` says why the gain does not count.
    """

    value: float
    low: float
    high: float
    p: float
    adjusted: float = 1.0
    failure: str = ""

    @classmethod
    def failed(cls, why: str) -> Gain:
        """A trial that could not be run."""
        return cls(0.0, 0.0, 0.0, 1.0, failure=why)

    def in_vain(self) -> Gain:
        """The same for a model that, even so, is no better than ignoring every column."""
        return replace(self, p=1.0, failure="no better than ignoring every column")

    def with_adjusted(self, p: float) -> Gain:
        """The same with a corrected p-value."""
        return replace(self, adjusted=p)

    def __str__(self) -> str:
        return f"{self.value:+.4g} [{self.low:+.4g}, {self.high:+.4g}]"


@dataclass(frozen=True)
class Suggestion:
    """A feature that was tried: its gain by model; `added`, what it adds to those before it."""

    step: Custom
    gains: dict[str, Gain]
    alpha: float
    added: dict[str, Gain] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the feature."""
        return self.step.name

    @property
    def accepted(self) -> bool:
        """Whether it was taken."""
        return bool(self.added)

    @property
    def helps(self) -> tuple[str, ...]:
        """The models that it helps, all trials considered."""
        return _telling(self.gains, self.alpha)

    @property
    def helps_added(self) -> tuple[str, ...]:
        """The models that it helps beside the features accepted before it."""
        return _telling(self.added, self.alpha)

    @property
    def p(self) -> float:
        """The smallest p-value of its trials."""
        return min(gain.p for gain in self.gains.values())

    @property
    def most(self) -> float:
        """The largest gain among the models that it helps."""
        return max((self.gains[name].value for name in self.helps), default=0.0)

    @property
    def line(self) -> str:
        """The Python that makes it."""
        return "wf." + writing.spec_of(self.step)

    def beside(self, added: dict[str, Gain]) -> Suggestion:
        """The same as accepted, with what it adds to those before it."""
        return replace(self, added=added)

    def verdict(self) -> str:
        """In a few words."""
        if self.accepted:
            return "accepted: helps " + " and ".join(self.helps)
        if self.helps:
            return "helps " + " and ".join(self.helps) + " by itself, nothing beside the accepted"
        return "not significant"

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"name": self.name, "feature": writing.dump([self.step])[0],
                "accepted": self.accepted, "helps": list(self.helps), "line": self.line,
                "gains": {name: asdict(gain) for name, gain in self.gains.items()},
                "added": {name: asdict(gain) for name, gain in self.added.items()}}


@dataclass(frozen=True)
class Confirmed:
    """A model without and with the accepted features, on rows not used for choosing them."""

    before: Score
    after: Score
    gain: Gain

    @property
    def holds(self) -> bool:
        """Whether the interval of the gain lies above 0."""
        return self.gain.low > 0

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"before": self.before.to_json(), "after": self.after.to_json(),
                "gain": asdict(self.gain), "holds": self.holds}


@dataclass(frozen=True)
class Suggestions:
    """The features that were tried, those accepted first, and what they are worth together.

    `accepted` goes to `fit(..., transformers=...)`; `save` writes it to a TOML file. `table`
    holds every feature that was fitted; `confirmed` the gain of all accepted ones, by model, on
    rows not used for choosing. `made` candidates were considered, `judged` of them fitted.
    """

    source: str
    target: str
    task: str
    metric: str
    better: str
    models: dict[str, str]
    split: str
    choosing: int
    confirming: int
    made: int
    judged: int
    alpha: float
    base: dict[str, Score]
    table: tuple[Suggestion, ...]
    confirmed: dict[str, Confirmed]
    stopped: str
    seconds: float

    @property
    def accepted(self) -> list[Custom]:
        """The accepted features, for `fit(..., transformers=...)`."""
        return [suggestion.step for suggestion in self.table if suggestion.accepted]

    def save(self, path: str | Path) -> Path:
        """Write the accepted features to a TOML file, which `wf.load_features` reads."""
        return writing.save(self.accepted, path)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        plain = ("source", "target", "task", "metric", "better", "models", "split", "choosing",
                 "confirming", "made", "judged", "alpha", "stopped", "seconds")
        return {
            **{name: getattr(self, name) for name in plain},
            "base": {name: score.to_json() for name, score in self.base.items()},
            "accepted": writing.dump(self.accepted),
            "table": [suggestion.to_json() for suggestion in self.table],
            "confirmed": {name: found.to_json() for name, found in self.confirmed.items()},
        }

    def rows(self) -> tuple[list[str], list[list[str]]]:
        """The table as words: a header, and a line for each feature."""
        names = list(self.models)
        header = ["feature", *(f"gain, {name}" for name in names), "verdict"]
        return header, [[s.name, *(str(s.gains[name]) for name in names), s.verdict()]
                        for s in self.table[:max(_SHOWN, len(self.accepted))]]

    def summary(self) -> list[str]:
        """What was done and found, in sentences."""
        judges = " and ".join(f"{model} ({name})" for name, model in self.models.items())
        said = [
            f"{self.made} candidates for {self.target!r}, {self.judged} of them fitted by "
            f"{judges}; {self.metric} on {self.choosing:,} rows, {self.split}. "
            f"Gains above 0 are better; p-values are corrected for all {self.made} candidates "
            f"and {len(self.models)} models."]
        if self.stopped:
            said.append(f"The budget ended it early: {self.stopped}.")
        if not self.accepted:
            said.append(f"No candidate helps significantly (at {self.alpha:g}): the columns as "
                        "they are serve these models, or the rows are too few to tell.")
        for name, found in self.confirmed.items():
            said.append(f"On {self.confirming:,} rows not used for choosing, "
                        f"{self.models[name]} goes from {found.before} to {found.after}: "
                        f"gain {found.gain}, {_held(found)}.")
        return said

    def to_text(self) -> str:
        """Table and sentences as plain text."""
        header, lines = self.rows()
        said = self.summary()
        table = aligned(header, lines) if lines else []
        more = len(self.table) - len(lines)
        rest = [f"... and {more} more, not significant"] if more > 0 else []
        return "\n".join([said[0], "", *table, *rest, *([""] if table else []), *said[1:]])

    def __str__(self) -> str:
        return self.to_text()


def _held(found: Confirmed) -> str:
    if found.holds:
        return "which holds"
    return "no gain that these rows can show" if found.gain.high > 0 else "a loss on these rows"


def _telling(gains: dict[str, Gain], alpha: float) -> tuple[str, ...]:
    return tuple(name for name, gain in gains.items() if gain.adjusted < alpha)
