"""The log itself: writing answers and truths, reading them as one table, rolling old ones out."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wholefit.base.errors import DataError, ParameterError
from wholefit.data.predictions import _rolled
from wholefit.data.predictions._store import open_store
from wholefit.data.predictions._wide import FIELDS, LATEST, wide
from wholefit.data.predictions.counts import Counted
from wholefit.data.predictions.record import (
    Cells,
    Cipher,
    Record,
    check_id,
    check_truth,
    moment,
    now,
)
from wholefit.data.validate.sketch import Sketch

if TYPE_CHECKING:
    import polars as pl

FORMAT = 1
HOUR = 3_600
_PUT = ("INSERT INTO predictions (id, model, version, made, shadow, confidence, seconds, asked, "
        "answer) VALUES (:id, :model, :version, :made, :shadow, :confidence, :seconds, :asked, "
        ":answer)")
_DROP = "DELETE FROM predictions WHERE id = :id AND model = :model AND version = :version"
_TAKE = ("SELECT p.id, p.model, p.version, p.made, p.shadow, p.confidence, p.seconds, {asked}, "
         "p.answer, t.truth, t.told FROM predictions p LEFT JOIN truths t ON t.id = p.id")


def open_log(
    url: str | Path, *, keep_rows: bool = False, seal: Cipher | None = None,
    unseal: Cipher | None = None, create: bool = True,
) -> Log:
    """The log at `url`: the path of a SQLite file, or a database's SQLAlchemy URL.

    `keep_rows`: also store the rows that were asked about, which are personal data; without, they
    are only counted, for the models that `Log.watch` names. `seal` and `unseal` are functions of
    bytes that encrypt and decrypt rows, answers and truths. With `create=False` a log that is not
    there is a DataError. A log may be written by several processes at once.
    """
    return Log(str(url), keep_rows=keep_rows, cells=Cells(seal, unseal), create=create)


class Log:
    """Answers of models with their truths; see `open_log`. Usable from several threads."""

    def __init__(self, url: str, *, keep_rows: bool, cells: Cells, create: bool) -> None:
        self._store = open_store(url, create)
        self._cells, self.keep_rows = cells, keep_rows
        self._watched: dict[tuple[str, str], Sketch] = {}
        self._worker, self._lock = secrets.token_hex(8), threading.Lock()
        self._check_format(create)

    @property
    def name(self) -> str:
        """What the log is called, without any secret of its address."""
        return self._store.name

    # ---- writing ------------------------------------------------------------------------

    def write(self, records: Iterable[Record]) -> int:
        """Keep these answers, all or none of them; gives how many. One id replaces its like."""
        kept = list({(each.id, each.model, each.version): each for each in records}.values())
        rows = [self._row(record) for record in kept]
        counted = {} if self.keep_rows else self._counted(kept)
        with self._store.transaction() as all_:
            if rows:
                all_.do(_DROP, [{name: row[name] for name in ("id", "model", "version")}
                                for row in rows])
                all_.do(_PUT, rows)
            for (model, version, hour), more in counted.items():
                self._add(all_, model, version, hour, more)
        return len(rows)

    def watch(self, model: str, version: str, sketch: Sketch | None) -> None:
        """Count the rows asked of this model by the bins of `sketch`, where they are not kept."""
        if sketch is None:
            return
        key = {"model": check_id(model), "version": check_id(version)}
        with self._store.transaction() as all_:
            all_.do("DELETE FROM sketches WHERE model = :model AND version = :version", key)
            all_.do("INSERT INTO sketches (model, version, sketch) VALUES (:model, :version, "
                    ":sketch)", {**key, "sketch": sketch.to_bytes().decode()})
        self._watched[model, version] = sketch

    def feedback(self, id: str, truth: Any, at: Any = None) -> bool:
        """Keep what turned out to be true of a prediction; False where the log knows no such id.

        It is kept all the same: truths may come before the answer is written. A later truth
        replaces an earlier one.
        """
        return self.feedbacks([(id, truth)], at) == 1

    def feedbacks(self, truths: Iterable[tuple[str, Any]], at: Any = None) -> int:
        """Keep many truths, all or none; gives how many are of predictions that the log knows."""
        told = now() if at is None else moment(at)
        rows = [{"id": check_id(id_), "truth": self._cells.put(check_truth(truth)), "told": told}
                for id_, truth in truths]
        latest = list({row["id"]: row for row in rows}.values())
        with self._store.transaction() as all_:
            if latest:
                all_.do("DELETE FROM truths WHERE id = :id", [{"id": row["id"]} for row in latest])
                all_.do("INSERT INTO truths (id, truth, told) VALUES (:id, :truth, :told)", latest)
            return sum(bool(all_.ask("SELECT 1 FROM predictions WHERE id = :id LIMIT 1",
                                     id=row["id"])) for row in latest)

    # ---- reading ------------------------------------------------------------------------

    def read(
        self, model: str | None = None, version: str | None = None, since: Any = None,
        until: Any = None, shadow: bool | None = None, *, rows: bool = True,
        most: int | None = None, rolled: str | Path | None = None,
    ) -> pl.DataFrame:
        """Answers as a table, the oldest first.

        Columns id, time (UTC), model, version, shadow, confidence, seconds, truth, told (when the
        truth came), and `row.` and `answer.` followed by each column's name. `since` and `until`
        (seconds, datetime or ISO 8601) are inclusive and exclusive; `shadow=False` leaves out
        what nobody was told; `rows=False` does not read the rows; `most` keeps the newest;
        `rolled` is a folder of files that `roll` wrote, which are read too.
        """
        where, values = _where(model, version, since, until, shadow)
        limit = "" if most is None else f" LIMIT {int(most)}"
        order = " ORDER BY p.made DESC, p.id DESC" if most is not None else \
            " ORDER BY p.made, p.id"
        asked = "p.asked" if rows else "NULL"
        with self._store.transaction(write=False) as all_:
            found = all_.ask(_TAKE.format(asked=asked) + where + order + limit, **values)
            truths = dict(all_.ask("SELECT id, truth FROM truths")) if rolled is not None else {}
        if rolled is not None:
            found = _rolled.joined(found, rolled, truths, model, version, values, shadow, rows)
            found.sort(key=lambda row: (row[3], row[0]), reverse=most is not None)
            found = found[:most]
        return wide(found if most is None else found[::-1], self._cells)

    def counted(
        self, model: str, version: str | None = None
    ) -> tuple[Sketch, list[tuple[int, Counted]]] | None:
        """The sketch that rows were counted by, and (hour, counts), the oldest first; None without.

        An hour is whole hours since 1970. Of several versions that were counted by different
        sketches, the one that was asked for, else the newest hour's, is given.
        """
        where = " WHERE model = :model" + ("" if version is None else " AND version = :version")
        values = {"model": model, **({} if version is None else {"version": version})}
        with self._store.transaction(write=False) as all_:
            sketches = {row[0]: row[1] for row in all_.ask(
                "SELECT version, sketch FROM sketches" + where, **values)}
            found = all_.ask("SELECT version, hour, counted FROM counts" + where
                             + " ORDER BY hour", **values)
        usable = [row for row in found if row[0] in sketches]
        if not usable:
            return None
        written = sketches[usable[-1][0]]
        sketch = Sketch.from_bytes(str(written).encode())
        hours: dict[int, Counted] = {}
        for name, hour, counted in usable:
            if sketches[name] == written:
                more = Counted.from_json(Cells().take(counted, "counts"), sketch)
                at = _hour(hour)
                hours[at] = hours[at] + more if at in hours else more
        return sketch, sorted(hours.items())

    def versions(self) -> list[tuple[str, str, int, float, float]]:
        """(model, version, answers, first time, last time) of all that was logged."""
        with self._store.transaction(write=False) as all_:
            found = all_.ask("SELECT model, version, COUNT(*), MIN(made), MAX(made) FROM "
                             "predictions GROUP BY model, version ORDER BY MAX(made)")
        try:
            return [(str(m), str(v), int(n), float(a), float(b)) for m, v, n, a, b in found]
        except (TypeError, ValueError) as error:
            raise DataError(f"the log {self.name} holds a time that is none: it was altered, or "
                            "not written by wholefit.") from error

    def note(self, name: str, value: str) -> None:
        """Keep a short fact beside the answers, such as up to when they were looked at."""
        with self._store.transaction() as all_:
            all_.do("DELETE FROM log_facts WHERE name = :name", {"name": check_id(name)})
            all_.do("INSERT INTO log_facts (name, value) VALUES (:name, :value)",
                    {"name": name, "value": value})

    def noted(self, name: str) -> str | None:
        """What `note` kept under that name, or None."""
        with self._store.transaction(write=False) as all_:
            found = all_.ask("SELECT value FROM log_facts WHERE name = :name", name=name)
        return str(found[0][0]) if found else None

    # ---- keeping it small ---------------------------------------------------------------

    def roll(self, before: Any, folder: str | Path) -> Path | None:
        """Move answers older than `before` into a Parquet file in `folder`; None if there are none.

        The file is whole on the disk before they leave the log; where it is stopped between the
        two, `read` sees each answer once, and the next roll ends the work. What is encrypted stays
        so.
        """
        edge = moment(before)
        with self._store.transaction(write=False) as all_:
            found = all_.ask(_TAKE.format(asked="p.asked")
                             + " WHERE p.made < :edge ORDER BY p.made, p.id", edge=edge)
        if not found:
            return None
        path = _rolled.write(found, Path(folder))
        with self._store.transaction() as all_:
            all_.do(_DROP, [{"id": row[0], "model": row[1], "version": row[2]} for row in found])
        return path

    def close(self) -> None:
        """Give the file or the connections back."""
        self._store.close()

    # ---- the machinery ------------------------------------------------------------------

    def _row(self, record: Record) -> dict[str, Any]:
        sure = record.confidence
        return {
            "id": check_id(record.id), "model": check_id(record.model),
            "version": check_id(record.version), "made": float(record.time),
            "shadow": int(record.shadow),
            "confidence": None if sure is None or sure != sure else float(sure),
            "seconds": float(record.seconds),
            "asked": self._cells.put(dict(record.row)) if self.keep_rows and record.row else None,
            "answer": self._cells.put(dict(record.answer))}

    def _counted(self, records: Sequence[Record]) -> dict[tuple[str, str, int], Counted]:
        parts: dict[tuple[str, str, int], list[Any]] = {}
        for record in records:
            if record.row and (record.model, record.version) in self._watched:
                key = (record.model, record.version, int(record.time // HOUR))
                parts.setdefault(key, []).append(record.row)
        return {key: Counted.of(rows, self._watched[key[:2]]) for key, rows in parts.items()}

    def _add(self, all_: Any, model: str, version: str, hour: int, more: Counted) -> None:
        """Add to what this process has counted in the hour; no other one writes that line."""
        key = {"model": model, "version": version, "hour": hour, "worker": self._worker}
        where = (" WHERE model = :model AND version = :version AND hour = :hour AND "
                 "worker = :worker")
        before = all_.ask("SELECT counted FROM counts" + where, **key)
        if before:
            sketch = self._watched[model, version]
            more = more + Counted.from_json(Cells().take(before[0][0], "counts"), sketch)
            all_.do("DELETE FROM counts" + where, key)
        all_.do("INSERT INTO counts (model, version, hour, worker, counted) VALUES (:model, "
                ":version, :hour, :worker, :counted)",
                {**key, "counted": Cells().put(more.to_json())})

    def _check_format(self, create: bool) -> None:
        with self._store.transaction(write=create) as all_:
            found = all_.ask("SELECT value FROM log_facts WHERE name = 'format'")
            if not found and create:
                all_.do("INSERT INTO log_facts (name, value) VALUES ('format', :value)",
                        {"value": str(FORMAT)})
        if found and str(found[0][0]) != str(FORMAT):
            raise DataError(f"the log {self.name} is of format {str(found[0][0])[:20]!r}, and this "
                            f"wholefit knows format {FORMAT}: use the version that wrote it.")


def _hour(given: Any) -> int:
    """Whole hours since 1970, as far as times may be; DataError for anything else."""
    if isinstance(given, int) and abs(given) <= LATEST // HOUR:
        return given
    raise DataError("the log's counts are of no hour: they were altered, or not written by "
                    "wholefit.")


def _where(
    model: str | None, version: str | None, since: Any, until: Any, shadow: bool | None
) -> tuple[str, dict[str, Any]]:
    said: list[str] = []
    values: dict[str, Any] = {}
    for column, sign, value in (("model", "=", model), ("version", "=", version),
                                ("made", ">=", since), ("made", "<", until),
                                ("shadow", "=", shadow)):
        if value is None:
            continue
        name = {">=": "since", "<": "until"}.get(sign, column)
        said.append(f"p.{column} {sign} :{name}")
        values[name] = moment(value) if column == "made" else int(value) \
            if column == "shadow" else str(value)
    if "since" in values and "until" in values and values["since"] > values["until"]:
        raise ParameterError("since must not be after until.")
    return (" WHERE " + " AND ".join(said)) if said else "", values


__all__ = ["FIELDS", "HOUR", "Log", "open_log"]
