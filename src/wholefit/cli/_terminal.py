"""Labelling in the terminal: single keys where it is one, plain lines where it is not."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import typer

from wholefit.base.errors import ParameterError
from wholefit.cli import _show
from wholefit.cli._ask import Ask

if TYPE_CHECKING:
    from wholefit.training.labelling import Question, Session


def in_terminal(ask: Ask, adjudicate: bool) -> None:
    """Ask one item at a time until there is none, or the person leaves."""
    who, said = ask.person(), list[str]()
    with ask.open(said) as session:
        if session.items.kind == "image":
            raise ParameterError("a terminal shows no pictures: say --web.")
        for sentence in said:
            _show.say(sentence)
        _show.say(f"{session.store.header['source']}: {len(session.items):,} items; answers of "
                  f"{who} go to {session.store.path}")
        guide = session.store.header.get("guide")
        if guide:
            _show.say(f"\n{guide.rstrip()}")
        desk = _Terminal(session, who, ask.assist)
        try:
            (desk.judge if adjudicate else desk.label)()
        except KeyboardInterrupt:
            _show.say()
        desk.leave()


class _Terminal:
    """A person at a terminal: single keys where it is one, lines where it is not."""

    def __init__(self, session: Session, who: str, assist: bool) -> None:
        self.session, self.who, self.assist = session, who, assist
        self.classes = session.store.classes
        self.keys = sys.stdin.isatty() and sys.stdout.isatty() and len(self.classes) <= 9
        self.given = 0
        self.judged, self.judging = 0, False

    def label(self) -> None:
        """Questions until none is left."""
        self._legend(("u undo", "s skip", "n note", "q quit"))
        while (question := self.session.next(self.who)) is not None:
            self._show(question)
            start = time.monotonic()
            guess = question.guess[0] if self.assist and question.guess else None
            word = self._word(guess, question.key)
            if word is None or word == ":q":
                return
            self._do(word, question, time.monotonic() - start)
        _show.say("nothing is left to label.")

    def judge(self) -> None:
        """Disagreements, most even first, until none is left."""
        self.judging = True
        keys = self.session.disagreements()
        if not keys:
            _show.say("there is no disagreement to settle.")
            return
        self._legend(("s skip", "n note", "q quit"))
        for number, key in enumerate(keys, start=1):
            self._rule(f"disagreement {number} of {len(keys)}")
            question = self.session.question(key)
            self._cells(question)
            self._votes(key)
            word = self._word(None, key)
            while word == ":u":
                _show.say("  only labels are taken back here: run without --adjudicate.")
                word = self._word(None, key)
            if word is None or word == ":q":
                return
            if word != ":s":
                self.session.adjudicate(self.who, key, word)
                self.judged += 1
        _show.say("every disagreement was gone through.")

    def leave(self) -> None:
        """What was done, and how to go on."""
        far = self.session.progress(self.who)
        if self.judging:
            _show.say(f"{self.judged:,} settled now, {len(self.session.disagreements()):,} left. "
                      f"All is kept in {self.session.store.path}.")
            return
        _show.say(f"{self.given:,} answers now; {far['labelled']:,} labelled, "
                  f"{far['skipped']:,} skipped, {far['left']:,} left. All is kept in "
                  f"{self.session.store.path}; the same command goes on.")
        trouble = self.session.assistant and self.session.assistant.trouble
        if trouble:
            _show.aside(f"warning: {trouble}")

    def _do(self, word: str, question: Question, seconds: float) -> None:
        if word == ":u":
            undone = self.session.undo(self.who)
            self.given -= undone is not None and self.given > 0
            _show.say("  taken back: answer it again." if undone else "  nothing to take back.")
        elif word == ":s":
            self.session.skip(self.who, question.key, seconds=seconds)
            self.given += 1
        else:
            shown = self.assist and question.guess is not None
            self.session.answer(self.who, question.key, word, seconds=seconds, shown=shown)
            self.given += 1

    def _word(self, guess: str | None, key: str) -> str | None:
        """A class, or ":u", ":s", ":q"; None where the input ends. Notes are taken on the way."""
        while True:
            word = self._key(guess) if self.keys else self._line(guess)
            if word != ":n":
                return word
            text = (typer.prompt("  note", default="", show_default=False) if self.keys
                    else _readline("note> ") or "").strip()
            if text:
                self.session.note(self.who, key, text)
                _show.say("  noted.")

    def _key(self, guess: str | None) -> str | None:
        """One key; others are passed over."""
        while True:
            typer.echo("> ", nl=False)
            key = typer.getchar()
            if key in ("\x03", "\x04"):
                _show.say()
                return None
            found = self._meant(key.strip() if key not in ("\r", "\n") else "", guess)
            _show.say(found.lstrip(":") if found and not found.startswith(":") else
                      {":u": "undo", ":s": "skip", ":n": "note", ":q": "quit"}.get(
                          found or "", "?"))
            if found:
                return found

    def _line(self, guess: str | None) -> str | None:
        """A line with a number, a class or a letter; None at the end of the input."""
        while True:
            line = _readline("> ")
            if line is None:
                return None
            found = self._meant(line.strip(), guess)
            if found:
                return found
            _show.say(f"  {line.strip()!r} is none of: {self._choices()}, u, s, n, q")

    def _meant(self, word: str, guess: str | None) -> str | None:
        if word in self.classes:
            return word
        if word.isascii() and word.isdigit() and 1 <= int(word) <= len(self.classes):
            return self.classes[int(word) - 1]
        if not word:
            return guess
        letter = word.lstrip(":").lower()
        return f":{letter}" if letter in ("u", "s", "n", "q") else None

    def _choices(self) -> str:
        return ", ".join(f"{at} {name}" for at, name in enumerate(self.classes, start=1))

    def _legend(self, more: tuple[str, ...]) -> None:
        _show.say(f"\n{self._choices()}; {', '.join(more)}"
                  f"{'; Enter agrees with the model' if self.assist else ''}")

    def _show(self, question: Question) -> None:
        far = self.session.progress(self.who)
        done = far["labelled"] + far["skipped"]
        self._rule(f"{done + 1:,} of {done + far['left']:,}")
        self._cells(question)
        if self.assist and question.guess is not None:
            _show.say(f"  the model says {question.guess[0]} ({question.guess[1]:.0%})")

    def _cells(self, question: Question) -> None:
        if question.kind == "text":
            _show.say(question.shown[0][1])
            return
        width = max(len(name) for name, _ in question.shown)
        for name, text in question.shown:
            _show.say(f"{name.ljust(width)}  {text}")

    def _votes(self, key: str) -> None:
        store = self.session.store
        said = [(who, label) for who in store.annotators
                if (label := store.label_of(who, key)) is not None]
        _show.say("  " + ", ".join(f"{who}: {label}" for who, label in said))
        for note in store.comments(key):
            _show.say(f"  note of {note['who']}: {note['text']}")

    def _rule(self, title: str) -> None:
        _show.say(f"\n-- {title} --")


def _readline(prompt: str) -> str | None:
    """A line of the input; None at its end."""
    typer.echo(prompt, nl=False)
    line = sys.stdin.readline()
    if not sys.stdin.isatty():
        _show.say(line.rstrip("\n"))
    return line if line else None
