"""Accuracy from scratch on MNIST, Fashion-MNIST, CIFAR-10 and IMDB reviews, seed by seed.

    python -m benchmarks.neural_accuracy [SET ...]         five seeds each, goes on where it was
    python -m benchmarks.neural_accuracy --default --seeds 1   images by the catalog's own defaults
    python -m benchmarks.neural_accuracy cifar10 --held-out --epochs 3 --seeds 1   to try a recipe

Each finished seed is kept in results/neural_accuracy/; the table is written of all of them.
--held-out judges by a tenth of the training rows, prints, and keeps nothing.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks._tools import RESULTS, machine, markdown, save
from benchmarks.neural_accuracy import _data

SETS = ("mnist", "fashion_mnist", "cifar10", "imdb")
GOALS = {"mnist": (0.993, 0.993), "fashion_mnist": (0.930, 0.940), "cifar10": (0.88, 0.92),
         "imdb": (0.90, 0.92)}
# Student's t at 97.5 % for n - 1 degrees of freedom.
_T = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78}
KEPT = RESULTS / "neural_accuracy"
DEFAULT = "default-"
NOTES = """\
- Images: an answer is the mean over views of each test image (as it is, moved by one pixel, and
  mirrored where mirrors were learnt from), not one pass over the image.
- Images: the recipes are named ones, one for each data set, in
  `benchmarks/neural_accuracy/_recipes.py`, of the network `whitened_cnn`. The catalog now has that
  network too, as `models="whitened_cnn"`, with options of its own; `wf.fit` tries it, beside other
  networks, where a budget is given and there are 4,000 pictures or more.
- Images: recipes were chosen on training rows; test images were opened by this measurement only.
- IMDB: not the standard split. The 25,000 labelled reviews of one file are cut: the first four
  fifths of each opinion are learnt from, the last fifth (other films) is judged. Those rows cannot
  be said to have been opened by this measurement only, and the numbers are not comparable with
  those published for the standard 25,000 test reviews.

Made by `python -m benchmarks.neural_accuracy`, seed by seed."""

BY_DEFAULT = """
Images by the catalog's own defaults: the model that `wf.fit(..., models="whitened_cnn")` fits to
all rows, no option named, one answer to each test image as it is:
"""


def measure(name: str, seed: int, asked: argparse.Namespace) -> dict[str, float]:
    """Accuracy and minutes of one seed; minutes count training and answering, not reading."""
    split = _data.load(name, asked.held_out)
    began, used = time.perf_counter(), time.process_time()
    if name == "imdb":
        answer = _texts(split, seed, asked.threads)
    elif asked.default:
        answer = _by_default(split, seed, asked.threads)
    else:
        from benchmarks.neural_accuracy import _recipes

        shares, history = _recipes.answer(
            name, split.x, split.y, split.x_test, seed=seed, epochs=asked.epochs,
            precision=asked.precision, threads=asked.threads)
        answer = shares.argmax(1).numpy()
        for row in history:
            print({key: round(value, 4) for key, value in row.items()}, file=sys.stderr)
    return {"seed": seed, "accuracy": float((answer == split.y_test).mean()),
            "rows": len(split.y_test), "learnt": len(split.y),
            "minutes": (time.perf_counter() - began) / 60,
            "processor_minutes": (time.process_time() - used) / 60}


def _by_default(split: _data.Split, seed: int, threads: int) -> np.ndarray:
    """What `wf.fit(..., models="whitened_cnn")` fits to all rows: no option named, one answer."""
    from wholefit.base import tasks
    from wholefit.data import load
    from wholefit.models import make
    from wholefit.training.plain import fit_plain

    found = fit_plain(load((split.x, split.y)), tasks.get("classification"),
                      make("whitened_cnn"), seed=seed, jobs=threads)
    return np.asarray(found.answer(load((split.x_test, split.y_test))).argmax(1))


def _texts(split: _data.Split, seed: int, threads: int) -> np.ndarray:
    """The catalog's words: what `wf.fit(..., models="text_embedding")` fits."""
    import polars as pl

    import wholefit as wf

    rows = pl.DataFrame({"review": split.x.tolist(), "positive": split.y})
    result = wf.fit(rows, target="positive", task="classification", models="text_embedding",
                    roles={"review": "text"}, folds=2, seed=seed, jobs=threads, budget="3h")
    answer = result.predict(pl.DataFrame({"review": split.x_test.tolist()}))
    return np.asarray(answer["prediction"]).astype(int)


def table(kind: str = "") -> str:
    """Every set of which a seed of this kind is kept, with its interval over seeds."""
    rows = []
    for name in SETS:
        runs = [json.loads(path.read_text())
                for path in sorted(KEPT.glob(f"{kind}{name}-*.json"))]
        if not runs:
            continue
        found = [run["accuracy"] for run in runs]
        mean = statistics.mean(found)
        reach = (_T.get(len(runs), 2.0) * statistics.stdev(found) / len(runs) ** 0.5
                 if len(runs) > 1 else float("nan"))
        goal, aim = GOALS[name]
        between = f" ({mean - reach:.2%} to {mean + reach:.2%})" if len(runs) > 1 else ""
        rows.append([name, f"{len(runs)}", f"{mean:.2%}{between}",
                     f"{min(found):.2%}", f"{goal:.1%} / {aim:.1%}",
                     "aim met" if mean >= aim else "met" if mean >= goal else "not met",
                     f"{statistics.mean(run['minutes'] for run in runs):.1f}"])
    return markdown(["data", "seeds", "accuracy (95 % interval of the mean)", "worst seed",
                     "goal / aim", "", "minutes a seed"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.neural_accuracy")
    parser.add_argument("sets", nargs="*", metavar="SET", help=", ".join(SETS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=float)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--default", action="store_true",
                        help="images by the catalog's own defaults, in place of named recipes")
    asked = parser.parse_args()
    if wrong := set(asked.sets) - set(SETS):
        parser.error(f"no set is named {', '.join(sorted(wrong))}; sets: {', '.join(SETS)}")
    trying = asked.held_out or asked.epochs is not None
    for name in asked.sets or [name for name in SETS if not (asked.default and name == "imdb")]:
        for seed in range(asked.seeds):
            kept = KEPT / f"{DEFAULT if asked.default else ''}{name}-{seed}.json"
            if kept.exists() and not trying:
                continue
            print(f"{name}, seed {seed} ...", file=sys.stderr, flush=True)
            found = measure(name, seed, asked)
            if trying:
                print(name, {key: round(value, 4) for key, value in found.items()})
                continue
            _keep(kept, found)
    if not trying:
        pages = ["# Accuracy of networks from scratch\n", table()]
        if any(KEPT.glob(f"{DEFAULT}*.json")):
            pages += [BY_DEFAULT, table(DEFAULT)]
        save("neural_accuracy", "\n".join(pages) + "\n\n"
             + machine("wholefit", "torch") + "; two threads.\n\n" + NOTES)


def _keep(path: Path, found: dict[str, float]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".tmp")
    draft.write_text(json.dumps(found, indent=1))
    draft.replace(path)


if __name__ == "__main__":
    main()
