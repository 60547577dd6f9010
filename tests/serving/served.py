"""A server in this process for tests, and a plain client of it."""

from __future__ import annotations

import atexit
import functools
import http.client
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import polars as pl
from tests.unlabelled import CASES

import wholefit as wf

FOLDER = Path(tempfile.gettempdir()) / f"wholefit-served-{os.getpid()}"
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)


_CHEAP = {"anomaly": "isolation_forest", "association": "eclat", "clustering": "kmeans",
          "generation": "independent_columns", "multilabel": "logistic",
          "recommendation": ["popularity", "bias"], "reduction": "pca",
          "translation": "nearest_pair"}


def people(rows: int = 300) -> pl.DataFrame:
    """Rows with a number, a whole number, a category, a truth value and an identifier."""
    rng = np.random.default_rng(3)
    age, town = rng.normal(40, 9, rows), rng.choice(["Ely", "Wells", "Bath"], rows)
    member, visits = rng.random(rows) < 0.5, rng.poisson(4, rows)
    pull = 0.15 * (age - 40) + 1.5 * (town == "Ely") + 0.8 * member - 0.3 * visits
    return pl.DataFrame({
        "id": [f"C-{at:04d}" for at in range(rows)], "age": age, "town": town, "member": member,
        "visits": visits, "spent": (20 + 4 * pull + rng.normal(0, 2, rows)).round(2),
        "churn": np.where(pull + rng.normal(0, 1, rows) > 0, "yes", "no")})


@functools.cache
def fitted(kind: str) -> Any:
    """A small fitted thing of a kind: a task's name, or "text", "image"."""
    if kind == "classification":
        return wf.fit(people().drop("spent"), target="churn", models="logistic", seed=0)
    if kind == "regression":
        return wf.fit(people().drop("churn"), target="spent", models="ridge", seed=0)
    if kind == "boosted":
        return wf.fit(people().drop("spent"), target="churn", models="decision_tree", seed=0)
    if kind == "text":
        words = ["good film", "bad film", "a fine day", "an awful day", "lovely", "dreadful"]
        frame = pl.DataFrame({"review": [f"{word} number {at} of the whole series of reviews"
                                         for at in range(40) for word in words],
                              "liked": ["yes", "no"] * 120})
        return wf.fit(frame, target="liked", models="logistic", seed=0,
                      roles={"review": "text"})
    if kind == "writer":
        texts = [f"{who} sees {what} number {at}" for at in range(30)
                 for who in ("the cat", "a dog") for what in ("a fish", "the moon")]
        return wf.fit({"said": texts}, task="generation", text="said", jobs=1,
                      models="ngram_language_model(order=4)")
    if kind == "image":
        return wf.fit(pictures(), target="colour", models="logistic", seed=0)
    make, words_ = CASES[kind]
    return wf.fit(make(), task=kind, models=_CHEAP[kind], budget="20s", **words_)


def picture(level: int, seed: int) -> bytes:
    """A small PNG, dark or light."""
    from wholefit.data import png

    rng = np.random.default_rng(seed)
    return png.encode(np.clip(rng.normal(level, 20, (12, 12, 3)), 0, 255).astype(np.uint8))


def pictures() -> pl.DataFrame:
    """Sixty pictures as encoded bytes."""
    return pl.DataFrame({"shot": [picture(60 if at % 2 else 190, at) for at in range(60)],
                         "colour": ["dark" if at % 2 else "light" for at in range(60)]})


@functools.cache
def saved(kind: str) -> Path:
    """The same as a file."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{kind}.wf"
    fitted(kind).save(path, force=True)
    return path


@dataclass
class Got:
    """A reply."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Client:
    """Asks a server; each call is a connection of its own."""

    def __init__(self, url: str) -> None:
        self.host, self.port = urlsplit(url).hostname, urlsplit(url).port

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Got:
        """A request; what is no bytes is sent as JSON."""
        line = http.client.HTTPConnection(self.host, self.port, timeout=30)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            named.setdefault("content-type", "application/json")
        try:
            line.request(method, path, body, named)
            reply = line.getresponse()
            return Got(reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read())
        finally:
            line.close()

    def post(self, path: str, body: Any, **headers: str) -> Got:
        """A POST."""
        return self.ask("POST", path, body, **headers)

    def get(self, path: str, **headers: str) -> Got:
        """A GET."""
        return self.ask("GET", path, **headers)


def rows(kind: str, count: int) -> list[dict[str, Any]]:
    """Rows to ask the classification or regression about."""
    drop = {"classification": ["spent", "churn"], "regression": ["spent", "churn"],
            "boosted": ["spent", "churn"]}[kind]
    return people(count).drop(drop).to_dicts()
