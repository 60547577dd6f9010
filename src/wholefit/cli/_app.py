"""The application, and how every command ends: with an answer, or one sentence and a code."""

from __future__ import annotations

import functools
import os
import sys
import warnings
from collections.abc import Callable
from typing import Annotated, Any, NoReturn, TypeVar

import typer

from wholefit._version import __version__
from wholefit.base.errors import WholefitError

Command = TypeVar("Command", bound=Callable[..., Any])

app = typer.Typer(
    name="wholefit",
    help="From raw data to a trained, honestly scored, safely saved model, in one verb.",
    epilog="Exit codes: 0 done; 1 an error, said in one sentence; 2 wrong usage; 70 a fault of "
           "wholefit itself (WHOLEFIT_DEBUG=1 shows where); 130 interrupted.",
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"wholefit {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option(
        "--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """From raw data to a trained, honestly scored, safely saved model, in one verb."""


def command(name: str) -> Callable[[Command], Command]:
    """Register a command whose errors are said in one sentence, never as a traceback."""

    def register(function: Command) -> Command:
        app.command(name)(_guarded(function))
        return function

    return register


def _guarded(function: Command) -> Command:
    @functools.wraps(function)
    def run(*args: Any, **options: Any) -> Any:
        # What wholefit warns of is told by events; what libraries warn of is not for this face.
        warnings.simplefilter("ignore")
        try:
            return function(*args, **options)
        except WholefitError as error:
            _end(1, f"error: {error}", error)
        except KeyboardInterrupt as error:
            _end(130, "interrupted before anything was finished.", error)
        except BrokenPipeError:
            # The reader went away (`| head`): nothing is wrong, and nobody is left to tell.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            if type(error).__module__.startswith(("click", "typer")):
                raise
            _end(70, f"a fault in wholefit: {type(error).__name__}: {error} "
                     "(WHOLEFIT_DEBUG=1 shows where; please report it)", error)

    return run  # type: ignore[return-value]


def _end(code: int, sentence: str, error: BaseException) -> NoReturn:
    if os.environ.get("WHOLEFIT_DEBUG"):
        raise error
    typer.echo(sentence, err=True)
    raise typer.Exit(code)


def importable(*words: str | None) -> None:
    """Let import paths ("module:name") find modules of the current folder, if any is used."""
    if any(word and ":" in word for word in words) and "" not in sys.path:
        sys.path.insert(0, "")


def pairs(words: list[str] | None, option: str) -> dict[str, Any]:
    """ "name=value" words as a dict; numbers and true/false become such."""
    found: dict[str, Any] = {}
    for word in words or []:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"{option} must be NAME=VALUE; got {word!r}.")
        found[name] = _plain(value)
    return found


def _plain(value: str) -> Any:
    if value.lower() in ("true", "false"):
        return value.lower() == "true"
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value
