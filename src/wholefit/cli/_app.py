"""The application, and how every command ends: with an answer, or one sentence and a code."""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import os
import sys
import warnings
from collections.abc import Callable
from typing import Annotated, Any, NoReturn, TypeVar

import typer

from wholefit._version import __version__
from wholefit.base.errors import WholefitError
from wholefit.cli._commands import LINES
from wholefit.cli._reading import with_options

Command = TypeVar("Command", bound=Callable[..., Any])


def _typer() -> typer.Typer:
    """An application without commands."""
    made = typer.Typer(
        name="wholefit",
        help="From raw data to a trained, honestly scored, safely saved model, in one verb.",
        epilog="Exit codes: 0 done; 1 an error, said in one sentence; 2 wrong usage; 70 a fault "
               "of wholefit itself (WHOLEFIT_DEBUG=1 shows where); 130 interrupted.",
        add_completion=False, pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    made.callback()(_root)
    return made


def run(argv: list[str]) -> int:
    """Run the words of a command line; gives the exit code."""
    _make_streams_safe()
    try:
        app = _app_for(argv)
        return int(app(args=argv or ["--help"], prog_name="wholefit", standalone_mode=False) or 0)
    except typer.Abort:
        return _say(130, "interrupted.")
    except Exception as error:
        # What click says of wrong usage; its class moves from version to version of typer.
        if not hasattr(error, "format_message"):
            raise
        context = getattr(error, "ctx", None)
        path = context.command_path if context else "wholefit"
        sentence = " ".join(error.format_message().split())
        return _say(2, f"error: {sentence} (`{path} --help` tells more)")


def _app_for(argv: list[str]) -> typer.Typer:
    """The application with the one command that is asked for, or with a line for each."""
    files = {line.name: line.file for line in LINES}
    if argv and argv[0] in files:
        importlib.import_module(f"wholefit.cli.{files[argv[0]]}")
        return _real
    listing = _typer()
    for line in LINES:
        listing.command(line.name, help=line.says, rich_help_panel=line.panel)(_nothing)
    return listing


def _nothing() -> None:
    """Stands for a command in the list."""


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"wholefit {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[bool, typer.Option(
        "--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """From raw data to a trained, honestly scored, safely saved model, in one verb."""


_real = _typer()


def command(name: str) -> Callable[[Command], Command]:
    """Register a command whose errors are said in one sentence, never as a traceback."""

    def register(function: Command) -> Command:
        # Help is wrapped to the width of the terminal, not where the source's lines end.
        paragraphs = (inspect.getdoc(function) or "").split("\n\n")
        text = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
        _real.command(name, help=text)(_guarded(with_options(function)))
        return function

    return register


def _guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def guarded(*args: Any, **options: Any) -> Any:
        # What wholefit warns of is told by events; what libraries warn of is not for this face.
        warnings.simplefilter("ignore")
        try:
            function(*args, **options)
            sys.stdout.flush()
        except Exception as error:
            _explain(error)
        except KeyboardInterrupt as error:
            _end(130, f"interrupted: {error}." if str(error) else "interrupted.", error)

    return guarded


def _explain(error: Exception) -> NoReturn:
    """End with the code and the sentence that an error deserves."""
    if isinstance(error, WholefitError):
        _end(1, f"error: {error}", error)
    if isinstance(error, BrokenPipeError):
        # The reader went away (`| head`): nothing is wrong, and nobody is left to tell.
        _silence(sys.stdout)
        raise typer.Exit(0) from None
    if isinstance(error, OSError):
        _silence(sys.stdout)
        about = f"{error.filename}: " if error.filename else ""
        _end(1, f"error: {about}{error.strerror or error}.", error)
    if isinstance(error, MemoryError):
        _end(1, "error: the memory is used up; give fewer rows or columns, or a cheaper model "
                "(`wholefit models`).", error)
    if type(error).__module__.startswith(("click", "typer")):
        raise error
    _end(70, f"a fault in wholefit: {type(error).__name__}: {error} "
             "(WHOLEFIT_DEBUG=1 shows where; please report it)", error)


def _end(code: int, sentence: str, error: BaseException) -> NoReturn:
    if os.environ.get("WHOLEFIT_DEBUG"):
        raise error
    raise typer.Exit(_say(code, sentence))


def _say(code: int, sentence: str) -> int:
    from wholefit.cli import _show

    _show.aside(sentence)
    return code


def _silence(stream: Any) -> None:
    """Send what is left in a stream's buffer nowhere: its file can take no more."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _make_streams_safe() -> None:
    """Let nothing about the terminal stop a command: closed streams, or letters it cannot show."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def importable(*words: str | None) -> None:
    """Let import paths ("module:name") find modules of the current folder, if any is used."""
    if any(word and ":" in word for word in words) and "" not in sys.path:
        sys.path.insert(0, "")


def pairs(words: list[str] | None, option: str, *, plain: bool = True) -> dict[str, Any]:
    """ "name=value" words as a dict; with `plain`, numbers and true/false become such.

    The last = parts the two, so that a name may hold one.
    """
    found: dict[str, Any] = {}
    for word in words or []:
        name, equals, value = word.rpartition("=")
        if not equals or not name or not value:
            raise typer.BadParameter(f"{option} must be NAME=VALUE; got {word!r}.")
        found[name] = literal(value) if plain else value
    return found


def literal(value: str) -> Any:
    """true, false and numbers as such; anything else as the word it is."""
    if value.lower() in ("true", "false"):
        return value.lower() == "true"
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value
