"""What the page asks for and says, as plain JSON values; the server below it knows only HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wholefit.base.errors import ParameterError
from wholefit.training.labelling import Question, Session

Json = dict[str, Any]
_LONGEST_NOTE = 2_000
_MOST_LISTED = 200


class Desk:
    """One annotator's place at a session.

    With `assist` the model's guess is shown beside each question; else it is not even sent, so
    that nobody is swayed by it.
    """

    def __init__(self, session: Session, who: str, *, assist: bool = False) -> None:
        self.session, self.who, self.assist = session, who, assist
        self._deeds: dict[str, Callable[[Json], Json]] = {
            "answer": self._answer, "skip": self._skip, "undo": self._undo, "note": self._note,
            "adjudicate": self._adjudicate,
        }

    def state(self) -> Json:
        """The question at hand, how far things are, and what the page needs to draw itself."""
        session, header = self.session, self.session.store.header
        question = session.next(self.who)
        return {
            "who": self.who, "classes": list(session.store.classes), "source": header["source"],
            "guide": header.get("guide") or "", "assist": self.assist,
            "question": None if question is None else self._shown(question),
            "progress": session.progress(self.who),
            "disagreements": len(session.disagreements()),
            "trouble": None if session.assistant is None else session.assistant.trouble,
        }

    def disagreements(self) -> Json:
        """Items on which annotators disagree, who said what, and their notes."""
        store = self.session.store
        keys = self.session.disagreements()
        found = []
        for key in keys[:_MOST_LISTED]:
            said = [{"who": who, "label": label} for who in store.annotators
                    if (label := store.label_of(who, key)) is not None]
            notes = [{"who": note["who"], "text": note["text"]} for note in store.comments(key)]
            shown = self._shown(self.session.question(key))
            found.append({**shown, "said": said, "notes": notes, "guess": None})
        return {"items": found, "count": len(keys), "classes": list(store.classes)}

    def do(self, deed: str, words: Json) -> Json:
        """Let one deed of the page happen, and give the new state; ParameterError if malformed."""
        if deed not in self._deeds:
            raise ParameterError(f"the page has no deed {deed!r}.")
        return self._deeds[deed](words)

    def _answer(self, words: Json) -> Json:
        key, label = _text(words, "key"), _text(words, "label")
        asked = self.session.next(self.who)
        shown = self.assist and asked is not None and asked.key == key
        self.session.answer(self.who, key, label, seconds=_seconds(words), shown=shown)
        return self.state()

    def _skip(self, words: Json) -> Json:
        self.session.skip(self.who, _text(words, "key"), seconds=_seconds(words))
        return self.state()

    def _undo(self, words: Json) -> Json:
        undone = self.session.undo(self.who)
        return {**self.state(), "undone": undone is not None}

    def _note(self, words: Json) -> Json:
        text = _text(words, "text").strip()
        if not text or len(text) > _LONGEST_NOTE:
            raise ParameterError(f"a note has 1 to {_LONGEST_NOTE:,} letters; got {len(text):,}.")
        self.session.note(self.who, _text(words, "key"), text)
        return self.state()

    def _adjudicate(self, words: Json) -> Json:
        self.session.adjudicate(self.who, _text(words, "key"), _text(words, "label"))
        return self.disagreements()

    def _shown(self, question: Question) -> Json:
        guess = None
        if self.assist and question.guess is not None:
            guess = {"label": question.guess[0], "p": question.guess[1]}
        return {"key": question.key, "kind": question.kind, "guess": guess,
                "shown": [{"name": name, "text": text} for name, text in question.shown]}


def _text(words: Json, name: str) -> str:
    value = words.get(name)
    if not isinstance(value, str):
        raise ParameterError(f"{name} must be text; got {value!r}.")
    return value


def _seconds(words: Json) -> float | None:
    value = words.get("seconds")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if 0 <= value < 86_400 else None
