"""A Store: a journal of labels read as answers, with undo, skips, notes and adjudications.

Records are of these kinds (`do`): "open" (source, columns, classes, guide: the newest holds),
"answer", "skip", "note", "adjudicate", "undo" (takes back the record `of`), "repaired". All but
the first carry `n`, counted from 0, `at` (UTC) and, where a person did it, `who`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from wholefit.base.errors import DataError, ParameterError, unknown
from wholefit.data.labels._items import Items
from wholefit.data.labels._journal import Journal, Record, parse
from wholefit.data.notes import Note, warning

FORMAT = "labels"
VERSION = 1


@dataclass(frozen=True)
class Answer:
    """One thing a person said of an item: `do` "answer", "skip" or "adjudicate".

    `facts` are what was known at the time: how the item was drawn, the model's guess, whether
    it was shown, seconds taken.
    """

    n: int
    at: str
    who: str
    key: str
    do: str
    label: str | None
    facts: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Ratings:
    """Codes (items, annotators), -1 where none was given, into `classes`."""

    keys: tuple[str, ...]
    annotators: tuple[str, ...]
    classes: tuple[str, ...]
    codes: np.ndarray


class Store:
    """Answers of a journal. `Store.open` may write, `Store.read` looks on."""

    def __init__(self, path: Path, records: Sequence[Record], journal: Journal | None) -> None:
        self.path, self._journal = path, journal
        self.notes: list[Note] = []
        self.header: Record = {}
        # Per person and item, and per item, the records that hold, newest last.
        self._said: dict[tuple[str, str], list[Answer]] = {}
        self._judged: dict[str, list[Answer]] = {}
        self._by_person: dict[str, list[Answer]] = {}
        self._comments: dict[str, list[Record]] = {}
        self._held: dict[int, Answer] = {}
        self._count = 0
        for record in records:
            self._take(record)

    @classmethod
    def read(cls, path: str | Path) -> Store:
        """The answers so far, without the right to write; DataError if it is no journal."""
        path = Path(path)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror}.") from error
        records, _, note = parse(data, path.name)
        _check_header(path, records)
        store = cls(path, records, None)
        store.notes += [] if note is None else [note]
        return store

    @classmethod
    def open(
        cls, path: str | Path, items: Items, *, classes: Sequence[str] | None = None,
        ordered: bool | None = None, guide: str | None = None, id: str | None = None,
    ) -> Store:
        """Begin a journal, or go on with one, for these items.

        `classes` are taken from the journal where left out; more may be added, none that was
        used be taken away. DataError where the journal is of another source altogether, is
        locked, or is damaged.
        """
        journal = Journal(path)
        try:
            if journal.records:
                _check_header(journal.path, journal.records)
            store = cls(journal.path, journal.records, journal)
            store.notes += journal.notes
            if journal.notes:
                store._write({"do": "repaired", "said": journal.notes[0].message})
            store._settle(items, classes, ordered, guide, id)
        except BaseException:
            journal.close()
            raise
        return store

    # What was said

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes, in the order of their keys."""
        return tuple(self.header["classes"])

    @property
    def annotators(self) -> tuple[str, ...]:
        """Those who answered, in order of first answer; adjudicators apart."""
        return tuple(who for who, said in self._by_person.items() if said)

    def answers(self, who: str) -> dict[str, Answer]:
        """What `who` says now, by key; skips among them."""
        return {key: said[-1] for (person, key), said in self._said.items()
                if person == who and said}

    def said_by(self, who: str) -> list[Answer]:
        """The answers and skips of `who` that hold, in order; do not change the list."""
        return self._by_person.get(who, [])

    def label_of(self, who: str, key: str) -> str | None:
        """What `who` says of an item now; None without an answer, or a skip."""
        said = self._said.get((who, key))
        return said[-1].label if said else None

    def every_answer(self) -> list[Answer]:
        """Every answer that holds, of all, in order."""
        newest = [said[-1] for said in (*self._said.values(), *self._judged.values()) if said]
        return sorted(newest, key=lambda answer: answer.n)

    def adjudicated(self) -> dict[str, Answer]:
        """The last word on items that were adjudicated, by key."""
        return {key: said[-1] for key, said in self._judged.items() if said}

    def comments(self, key: str) -> list[Record]:
        """The notes people left on an item: records with `who`, `at`, `text`."""
        return list(self._comments.get(key, ()))

    def every_comment(self) -> list[Record]:
        """Everyone's notes, in order."""
        said = [record for records in self._comments.values() for record in records]
        return sorted(said, key=lambda record: record["n"])

    def ratings(self, keys: Iterable[str] | None = None) -> Ratings:
        """Everyone's labels side by side; of `keys`, or of all items that have one."""
        labelled = {key: said[-1] for key, said in self._said.items()
                    if said and said[-1].label is not None}
        keys = tuple(dict.fromkeys(key for _, key in labelled) if keys is None else keys)
        place = {key: at for at, key in enumerate(keys)}
        people = {who: at for at, who in enumerate(self.annotators)}
        code = {label: at for at, label in enumerate(self.classes)}
        codes = np.full((len(keys), len(people)), -1, dtype=np.int32)
        for (who, key), answer in labelled.items():
            if key in place:
                codes[place[key], people[who]] = code[str(answer.label)]
        return Ratings(keys, tuple(people), self.classes, codes)

    # What is said

    def answer(self, who: str, key: str, label: str, **facts: Any) -> Answer:
        """Keep a label; it is on the disk when this returns. A later one of `who` replaces it."""
        return self._answered(who, key, "answer", self._known(label), facts)

    def skip(self, who: str, key: str, **facts: Any) -> Answer:
        """Keep that `who` could not tell."""
        return self._answered(who, key, "skip", None, facts)

    def adjudicate(self, who: str, key: str, label: str, **facts: Any) -> Answer:
        """Keep the last word on an item."""
        return self._answered(who, key, "adjudicate", self._known(label), facts)

    def note(self, who: str, key: str, text: str) -> None:
        """Keep a remark on an item."""
        self._write({"do": "note", "who": _name(who), "key": key, "text": text})

    def undo(self, who: str, *, judging: bool = False) -> Answer | None:
        """Take back the last answer, skip or (with `judging`) adjudication of `who` that holds.

        None if there is none. What `who` had said of the item before holds again.
        """
        held = list(self.said_by(who)) if not judging else sorted(
            (a for said in self._judged.values() for a in said if a.who == who),
            key=lambda answer: answer.n)
        if not held:
            return None
        self._write({"do": "undo", "who": who, "of": held[-1].n})
        return held[-1]

    def close(self) -> None:
        """Let go of the journal."""
        if self._journal is not None:
            self._journal.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Machinery

    def _answered(
        self, who: str, key: str, do: str, label: str | None, facts: dict[str, Any]
    ) -> Answer:
        record = {"do": do, "who": _name(who), "key": key}
        if label is not None:
            record["label"] = label
        kept = {name: value for name, value in facts.items() if value is not None}
        written = self._write({**record, **({"facts": kept} if kept else {})})
        return _answer_of(written)

    def _known(self, label: str) -> str:
        if label not in self.classes:
            raise unknown("class", label, self.classes)
        return label

    def _write(self, record: Record) -> Record:
        if self._journal is None:
            raise DataError(f"{self.path} was opened to read: nothing can be written to it.")
        whole = {"n": self._count, "at": _now(), **record}
        self._journal.append(whole)
        self._take(whole)
        return whole

    def _take(self, record: Record) -> None:
        """Let one record have its effect."""
        try:
            if not isinstance(record["n"], int) or record["n"] < self._count:
                raise KeyError("n")
            self._effect(record)
        except (KeyError, TypeError, AttributeError) as error:
            raise DataError(f"the record after {self._count - 1} in {self.path.name} is not one "
                            f"that wholefit writes ({type(error).__name__}: {error}); was it "
                            "edited?") from error
        self._count = record["n"] + 1

    def _effect(self, record: Record) -> None:
        do = record["do"]
        if record.get("label") is not None and record["label"] not in self.header["classes"]:
            raise KeyError(record["label"])
        if do == "open":
            self.header = record
        elif do in ("answer", "skip"):
            answer = _answer_of(record)
            self._held[answer.n] = answer
            self._said.setdefault((answer.who, answer.key), []).append(answer)
            self._by_person.setdefault(answer.who, []).append(answer)
        elif do == "adjudicate":
            answer = _answer_of(record)
            self._held[answer.n] = answer
            self._judged.setdefault(answer.key, []).append(answer)
        elif do == "undo":
            self._take_back(record["of"])
        elif do == "note":
            self._comments.setdefault(record["key"], []).append(record)
        elif do != "repaired":
            raise KeyError(do)

    def _take_back(self, n: int) -> None:
        answer = self._held.pop(n)
        if answer.do == "adjudicate":
            self._judged[answer.key].remove(answer)
        else:
            self._said[answer.who, answer.key].remove(answer)
            self._by_person[answer.who].remove(answer)

    def _settle(
        self, items: Items, classes: Sequence[str] | None, ordered: bool | None,
        guide: str | None, id: str | None,
    ) -> None:
        """Check the items against the journal's, and write down what is new."""
        before = self.header
        known = tuple(before.get("classes", ()))
        wanted = _classes(known if classes is None else classes)
        lost = [label for label in known if label not in wanted and self._uses(label)]
        if lost:
            raise DataError(f"class {lost[0]!r} was used in {self.path.name} and cannot be left "
                            "out; name it among the classes, or begin another --store.")
        if before:
            self.notes += self._compare(items)
        header = {
            "do": "open", "wholefit": FORMAT, "version": VERSION, "source": items.source,
            "columns": list(items.columns), "kind": items.kind, "items": len(items),
            "digest": items.digest, "classes": list(wanted), "id": id,
            "ordered": bool(before.get("ordered")) if ordered is None else ordered,
            "guide": before.get("guide") if guide is None else guide,
        }
        if any(before.get(name, ...) != value for name, value in header.items()):
            self._write(header)

    def _uses(self, label: str) -> bool:
        # One that was replaced may come back by an undo.
        return any(answer.label == label for answer in self._held.values())

    def _compare(self, items: Items) -> list[Note]:
        """What of the journal's items the source still has, and what it has besides."""
        if self.header.get("digest") == items.digest:
            return []
        places = items.places()
        here = {answer.key for answer in self.every_answer()}
        gone = sum(key not in places for key in here)
        if here and gone == len(here):
            raise DataError(
                f"none of the {len(here):,} items labelled in {self.path.name} is in "
                f"{items.source}: the journal is of {self.header.get('source')!r}, columns "
                f"{self.header.get('columns')}. Give this source a --store of its own.")
        lost = (f"; {gone:,} of the {len(here):,} items labelled so far are no longer in it, or "
                "read otherwise now (their labels stay in the journal)" if gone else "")
        return [warning("source_changed", f"{items.source} has changed since the last session: "
                        f"{self.header.get('items'):,} items then, {len(items):,} now{lost}.",
                        count=gone)]


def header_of(path: str | Path) -> Record | None:
    """The newest description in a journal of what is labelled; None if it is no journal."""
    return Store.read(path).header if is_journal(path) else None


def is_journal(path: str | Path) -> bool:
    """True if the file begins like a journal of labels."""
    try:
        with open(path, "rb") as file:
            first = file.read(65536).split(b"\n")[0]
    except OSError:
        return False
    return b'"do": "open"' in first and b'"wholefit": "labels"' in first


def together(stores: Sequence[Store]) -> Ratings:
    """Everyone's labels of several journals of one source, side by side.

    Those of one name in two journals count as one person, whose later journal holds.
    """
    classes = tuple(dict.fromkeys(label for store in stores for label in store.classes))
    parts = [store.ratings() for store in stores]
    keys = tuple(dict.fromkeys(key for part in parts for key in part.keys))
    people = tuple(dict.fromkeys(who for part in parts for who in part.annotators))
    place = {key: at for at, key in enumerate(keys)}
    codes = np.full((len(keys), len(people)), -1, dtype=np.int32)
    for part in parts:
        rows = np.array([place[key] for key in part.keys], dtype=np.int64)
        into = np.array([*(classes.index(label) for label in part.classes), -1], dtype=np.int32)
        for at, who in enumerate(part.annotators):
            said = part.codes[:, at] >= 0
            codes[rows[said], people.index(who)] = into[part.codes[said, at]]
    return Ratings(keys, people, classes, codes)


def _check_header(path: Path, records: Sequence[Record]) -> None:
    first = records[0] if records else {}
    if first.get("do") != "open" or first.get("wholefit") != FORMAT:
        raise DataError(f"{path} is no journal of labels; `wholefit label` writes one. Give the "
                        "journal another name.")
    if not isinstance(first.get("version"), int) or first["version"] > VERSION:
        raise DataError(f"{path} was written by a newer wholefit (format {first.get('version')}, "
                        f"this one reads {VERSION}); update wholefit.")


def _classes(classes: Sequence[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(str(label).strip() for label in classes))
    if len(found) < 2 or "" in found:
        raise ParameterError("labelling needs at least 2 classes, such as --classes pos,neg; got "
                             f"{', '.join(found) or 'none'}.")
    return found


def _name(who: str) -> str:
    if not who.strip():
        raise ParameterError("an annotator needs a name.")
    return who.strip()


def _answer_of(record: Record) -> Answer:
    return Answer(record["n"], record["at"], record["who"], record["key"], record["do"],
                  record.get("label"), record.get("facts", {}))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
