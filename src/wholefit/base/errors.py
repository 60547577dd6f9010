"""Every error a user can meet, and the one sentence shape they share.

    WholefitError                    the root: catch this one
      ParameterError                 a hyper-parameter or option has a forbidden value
        CheckpointError              a folder keeps the training of something else
      UnknownNameError               a word that names nothing; offers the nearest right one
      DataError                      a source cannot be read, or cannot be learnt from
        SchemaError                  new data does not fit the schema a model was fitted with
      ArtifactError                  a model file is damaged, tampered with, or too new
      StateError                     a fitted object has no version-independent form
      ExportError                    a model cannot be written for another runtime
      AccessError                    a key, signature or seal is missing, wrong or expired
      MissingExtraError              an optional library is not installed
      BudgetError                    nothing could be finished within the budget
      RegistryError                  a registry of models is damaged, or refuses a change

A message says who, what, the rule, what was got, and the way out:
``Ridge.alpha must be >= 0; got -1.``
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from wholefit.base.wording import cut

# Letters of a name that a message shows, at most.
_LONGEST = 200


class WholefitError(Exception):
    """Root of every error that wholefit raises on purpose."""


class WholefitWarning(UserWarning):
    """Something a person should know about the data or the result; never an error."""


class ParameterError(WholefitError, ValueError):
    """A hyper-parameter or option has a value outside its stated bounds."""


class CheckpointError(ParameterError):
    """A folder holds checkpoints of another training, with which this one cannot go on."""


class UnknownNameError(WholefitError, LookupError):
    """A word names no known thing (model, task, metric, column, option)."""


class DataError(WholefitError, ValueError):
    """A source cannot be read, or its contents cannot be learnt from."""


class SchemaError(DataError):
    """New data does not fit the schema that a model was fitted with.

    Where it is known, `column` says in which column, `rows` (from 1) in which rows, the first few,
    and `rule` by one word against what: "present", "type", "level".
    """

    def __init__(
        self, message: str = "", *, column: str | None = None, rows: Iterable[int] = (),
        rule: str = "",
    ) -> None:
        super().__init__(message)
        self.column, self.rows, self.rule = column, tuple(map(int, rows)), rule


class ArtifactError(WholefitError):
    """A model file is damaged, tampered with, unsafe, or from a newer format."""


class StateError(WholefitError):
    """A fitted object has no version-independent form and cannot be saved."""


class ExportError(WholefitError):
    """A model cannot be written for another runtime, or what was written answers otherwise."""


class AccessError(WholefitError):
    """A key, a signature or a seal is missing, wrong, expired, or nobody's who is trusted."""


class MissingExtraError(WholefitError, ImportError):
    """An optional library is needed and not installed."""


class BudgetError(WholefitError):
    """Nothing could be finished within the budget."""


class RegistryError(WholefitError):
    """A registry of models is damaged, or cannot do what is asked of it."""


def nearest(word: str, options: Iterable[str]) -> str | None:
    """The option that looks most like `word`, or None if none comes close."""
    by_lower = {option.lower(): option for option in options}
    found = difflib.get_close_matches(str(word)[:200].lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def unknown(kind: str, word: str, options: Iterable[str]) -> UnknownNameError:
    """The error for a word that names nothing: says which `kind`, and the nearest right one."""
    options = list(options)
    close = nearest(word, options)
    if close is not None:
        hint = f"did you mean {close!r}?"
    else:
        known = ", ".join(cut(str(each), _LONGEST) for each in options[:20])
        hint = f"known: {known}" + (", ..." if len(options) > 20 else ".")
    got = cut(word, _LONGEST) if isinstance(word, str) else word
    return UnknownNameError(f"no {kind} is named {got!r}; {hint}")
