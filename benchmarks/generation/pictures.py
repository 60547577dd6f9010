"""Do a VAE and a GAN make all ten classes of Fashion-MNIST?

    WHOLEFIT_DATA=... python -m benchmarks.generation pictures [--rows 60000] [--short]

Each learns without labels, with default settings (but for the GAN's 8,000 steps, twice the
default), and makes 2,000 pictures; a classifier that was trained on 20,000 real ones says what they
show. A class is covered if at least a fifth of its fair
share is made. Sheets of what is made go beside the table.
"""

from __future__ import annotations

import argparse
import gzip
import time
from typing import Any

import numpy as np

from benchmarks import _tools

CLASSES, MADE = 10, 2000


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--short", action="store_true")
    asked = parser.parse_args(words)
    models = {"vae": "vae", "gan": "gan(steps=8000)"}
    rows = 2000 if asked.short else asked.rows
    if asked.short:
        models = {"vae": "vae(steps=200)", "gan": "gan(steps=20)"}
    x, y = load("train")
    judge = classifier(x[:2000 if asked.short else 20_000], y[:2000 if asked.short else 20_000])
    tx, ty = load("t10k")
    right = float((judge.predict(tx[:2000] / 255) == ty[:2000]).mean())
    lines = [measured(name, model, x[:rows], judge, asked.short) for name, model in models.items()]
    text = "\n".join([
        "# Classes of Fashion-MNIST that are made without labels", "",
        f"The classifier is right in {right:.1%} of 2,000 test pictures.", "",
        _tools.markdown(["model", "classes covered", "smallest share of a class", "told apart",
                       "coverage", "Fréchet distance (50 axes)", "warned", "CPU s"], lines), "",
        *(line for name in models for line in (
            f"What the {name} makes, 80 drawn at random:", "",
            f"![pictures made by the {name}](generation_{name}.png)", "")),
        _tools.machine("wholefit", "torch", "scikit-learn"), "",
        "Made by `python -m benchmarks.generation pictures`."])
    if asked.short:
        print(text)
    else:
        _tools.save("generation_pictures", text)


def load(part: str) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (n, 784) and labels (n,) of "train" or "t10k"."""
    folder = _tools.data_folder() / "fashion_mnist"
    with gzip.open(folder / f"{part}-images-idx3-ubyte.gz") as file:
        x = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784)
    with gzip.open(folder / f"{part}-labels-idx1-ubyte.gz") as file:
        y = np.frombuffer(file.read(), np.uint8, offset=8)
    return x, y


def classifier(x: np.ndarray, y: np.ndarray) -> Any:
    """What says which class a picture shows."""
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier((256,), max_iter=15, random_state=0).fit(x / 255, y)


def measured(name: str, model: str, x: np.ndarray, judge: Any, short: bool) -> list[str]:
    """One model: its row of the table; its sheet is written."""
    import polars as pl

    import wholefit as wf

    frame = pl.DataFrame({f"p{at}": x[:, at] for at in range(x.shape[1])})
    began = time.process_time()
    made = wf.fit(frame, task="generation", shape="28x28", models=model, budget="60min")
    seconds = time.process_time() - began
    pixels = made.pictures(MADE, seed=1).reshape(MADE, -1)
    shares = np.bincount(judge.predict(pixels / 255), minlength=CLASSES) / MADE
    if not short:
        made.picture(_tools.RESULTS / f"generation_{name}.png", 80, force=True)
    covered = int((shares >= 0.2 / CLASSES).sum())
    return [name, f"{covered} of {CLASSES}", f"{shares.min():.1%}", str(made.scores["told_apart"]),
            str(made.scores["coverage"]), str(made.scores["frechet"]),
            "yes" if any("collapse" in each for each in made.warnings) else "no",
            f"{seconds:.0f}"]
