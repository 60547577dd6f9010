"""What each program learns: its arrays, epochs, batch, optimizer; kept in one file for all."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Program:
    """`loss` is "classes", "pixels" (squared error of what came in), "tokens" or "pair"."""

    name: str
    epochs: int
    batch: int
    rate: float
    loss: str = "classes"
    optimizer: str = "adam"
    rows: int = 10**9


PROGRAMS = {program.name: program for program in (
    Program("iris_mlp", 30, 10, 1e-3),
    Program("mnist_cnn", 5, 64, 1e-3),
    Program("cifar_cnn", 2, 32, 1e-3, optimizer="momentum"),
    Program("simple_rnn", 10, 32, 1e-3),
    Program("lstm", 10, 32, 1e-3),
    Program("imdb_rnn", 2, 1, 1e-3, rows=1000),
    Program("autoencoder", 5, 64, 1e-3, "pixels"),
    Program("gan", 3, 64, 2e-4, "pair"),
    Program("transformer", 3, 32, 1e-4, rows=512),
    Program("char_lstm", 3, 64, 2e-3, "tokens", rows=4096),
)}
# Rows and epochs of a look that takes a minute or two.
SHORT = {"iris_mlp": (120, 30), "mnist_cnn": (1280, 2), "cifar_cnn": (640, 2),
         "simple_rnn": (1280, 3), "lstm": (1280, 3), "imdb_rnn": (60, 2),
         "autoencoder": (2560, 3), "gan": (1280, 3), "transformer": (64, 2),
         "char_lstm": (128, 2)}


def arrays(name: str, rows: int) -> dict[str, np.ndarray]:
    """x, y, x_test, y_test; at most so many rows to learn from."""
    found = _MAKERS[name]()
    return {**found, "x": found["x"][:rows], "y": found["y"][:rows]}


def _iris() -> dict[str, np.ndarray]:
    from sklearn.datasets import load_iris

    x, y = load_iris(return_X_y=True)
    order = np.random.default_rng(0).permutation(150)
    x = ((x - x.mean(0)) / x.std(0)).astype(np.float32)[order]
    y = y.astype(np.int64)[order]
    return {"x": x[:120], "y": y[:120], "x_test": x[120:], "y_test": y[120:]}


def _mnist() -> dict[str, np.ndarray]:
    from benchmarks.neural_accuracy._data import load

    split = load("mnist", held_out=False)
    return {"x": split.x.astype(np.float32) / 255, "y": split.y,
            "x_test": split.x_test.astype(np.float32) / 255, "y_test": split.y_test}


def _flat() -> dict[str, np.ndarray]:
    found = _mnist()
    x, test = (found[key].reshape(-1, 784) for key in ("x", "x_test"))
    return {"x": x, "y": x, "x_test": test, "y_test": test}


def _cifar() -> dict[str, np.ndarray]:
    from benchmarks.neural_accuracy._data import cifar10

    split = cifar10()
    return {"x": split.x.astype(np.float32) / 127.5 - 1, "y": split.y,
            "x_test": split.x_test.astype(np.float32) / 127.5 - 1, "y_test": split.y_test}


def _series() -> dict[str, np.ndarray]:
    """Series (20, 10); the class is which of five channels is largest on the whole."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(5000, 20, 10)).astype(np.float32)
    y = x[:, :, :5].sum(1).argmax(1)
    return {"x": x[:4000], "y": y[:4000], "x_test": x[4000:], "y_test": y[4000:]}


def _reviews() -> dict[str, np.ndarray]:
    """The last 100 words of reviews by number, 0 for padding in front."""
    import re

    from benchmarks.neural_accuracy._data import imdb

    split = imdb()
    taken = [*split.x[:3000], *split.x_test[:500]]
    texts = [re.findall(r"[a-z']+", text.lower()) for text in taken]
    words, counts = np.unique(np.concatenate(texts[:3000]), return_counts=True)
    known = {word: at + 2 for at, word in enumerate(words[np.argsort(-counts)][:9998])}
    codes = np.zeros((3500, 100), np.int64)
    for row, text in zip(codes, texts, strict=True):
        found = [known.get(word, 1) for word in text[-100:]] or [1]
        row[-len(found):] = found
    return {"x": codes[:3000], "y": split.y[:3000], "x_test": codes[3000:],
            "y_test": split.y_test[:500]}


def _vectors() -> dict[str, np.ndarray]:
    """Sequences of 32 vectors of 512; the class is the sign of one of them in the mean."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(640, 32, 512)).astype(np.float32)
    y = (x[:, :, 0].mean(1) > 0).astype(np.int64)
    x[:, :, 0] *= 4
    return {"x": x[:512], "y": y[:512], "x_test": x[512:], "y_test": y[512:]}


def _characters() -> dict[str, np.ndarray]:
    """Windows of 64 characters of a novel, and the same one place on."""
    from benchmarks._tools import data_folder

    packed = (data_folder() / "jane_austen" / "prideprejudice.txt.gz").read_bytes()
    text = gzip.decompress(packed).decode("utf-8")
    letters = sorted(set(text))
    codes = np.array([letters.index(letter) for letter in text], dtype=np.int64)
    count = len(codes) // 65
    rows = codes[:count * 65].reshape(count, 65)
    rows = rows[np.random.default_rng(0).permutation(count)]
    cut = count - 512
    return {"x": rows[:cut, :-1].copy(), "y": rows[:cut, 1:].copy(),
            "x_test": rows[cut:, :-1].copy(), "y_test": rows[cut:, 1:].copy()}


_MAKERS = {"iris_mlp": _iris, "mnist_cnn": _mnist, "cifar_cnn": _cifar, "simple_rnn": _series,
           "lstm": _series, "imdb_rnn": _reviews, "autoencoder": _flat, "gan": _flat,
           "transformer": _vectors, "char_lstm": _characters}


def write(name: str, folder: Path, short: bool) -> Path:
    """The arrays of a program as one file, made once."""
    rows = SHORT[name][0] if short else PROGRAMS[name].rows
    path = folder / f"{name}{'-short' if short else ''}.npz"
    if not path.exists():
        np.savez(path, **arrays(name, rows))
    return path
