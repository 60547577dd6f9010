"""A hundred labels and thousands of pictures without: what each use of the latter is worth.

    WHOLEFIT_DATA=... python -m benchmarks.few_labels [--seeds 3] [--rows 6000] [--fit]

Ten labelled pictures of each of ten classes of MNIST and of Fashion-MNIST; judged on the 10,000
test pictures. From nothing: networks that see the labelled ones alone, of relu and of sigmoids.
Layer by layer: that of sigmoids, its layers taught by Boltzmann machines, then tuned. Codes: a
perceptron on the codes of a variational autoencoder (M1). With classes: "labelled_vae" (M1 + M2).
Writes benchmarks/results/few_labels.md. With --fit scikit-learn's digits go into one call of
`wf.fit`, as a table whose target is missing in all but a hundred rows: what mlp(pretrain=...) makes
of those; that writes benchmarks/results/few_labels_fit.md.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

import numpy as np

from benchmarks import _tools
from benchmarks.transfer import digits

# Pictures of --fit that are judged on.
_FAR = 597
HIDDEN = [256, 256, 256]
FIRST = ("none", "autoencoder", "denoising", "masked")
WAYS = ("from nothing, relu", "from nothing, sigmoid", "layer by layer", "codes", "with classes")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.few_labels")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=6000)
    parser.add_argument("--fit", action="store_true")
    asked = parser.parse_args()
    if asked.fit:
        by_fit(asked.seeds)
        return
    lines = []
    for name in ("mnist", "fashion_mnist"):
        found = [measured(digits(name), asked.rows, seed) for seed in range(asked.seeds)]
        lines.append([name, *(_spread([each[way] for each in found]) for way in WAYS)])
    _tools.save("few_labels", "\n".join([
        "# A hundred labels", "",
        f"Accuracy on 10,000 test pictures, {asked.rows:,} others without a label; mean of "
        f"{asked.seeds} seeds, least and most.", "",
        _tools.markdown(["data", *WAYS], lines), "", _tools.machine("wholefit", "torch"), "",
        "Made by `python -m benchmarks.few_labels`."]))


def by_fit(seeds: int) -> None:
    """The table of `wf.fit`."""
    found = [fitted(seed) for seed in range(seeds)]
    _tools.save("few_labels_fit", "\n".join([
        "# A hundred labels, by one call of fit", "",
        f"scikit-learn's digits (8 x 8): accuracy on {_FAR} pictures of `wf.fit(..., models="
        "'mlp(pretrain=...)')`; of the others all but a hundred have no target; mean of "
        f"{seeds} seeds, least and most.", "",
        _tools.markdown([f"pretrain={way}" for way in FIRST],
                        [[_spread([each[way] for each in found]) for way in FIRST]]), "",
        _tools.machine("wholefit", "torch"), "",
        "Made by `python -m benchmarks.few_labels --fit`."]))


def fitted(seed: int) -> dict[str, float]:
    """Accuracy of mlp with each first lesson, by `wf.fit` on a table with a column a pixel."""
    import polars as pl
    from sklearn.datasets import load_digits

    import wholefit as wf

    whole = load_digits()
    order = np.random.default_rng(seed).permutation(len(whole.data))
    x, y, far, truth = (array[part] for part in (order[_FAR:], order[:_FAR])
                        for array in (whole.data, whole.target))
    few, rest = _drawn(y, len(y), seed)
    names = [f"pixel{at}" for at in range(x.shape[1])]
    table = pl.DataFrame(np.concatenate([x[few], x[rest]]), schema=names).with_columns(
        pl.Series("kind", [str(kind) for kind in y[few]] + [None] * len(rest)))
    new, found = pl.DataFrame(far, schema=names), {}
    for way in FIRST:
        made = wf.fit(table, target="kind", models=f"mlp(pretrain='{way}')", folds=2, jobs=1,
                      seed=seed, choose="best", metric="accuracy", budget="20 trials",
                      checks=False)
        answer = np.asarray(made.predict(new)).ravel().astype(int)
        found[way] = float((answer == truth).mean())
        print(seed, made.model, way, found[way], file=sys.stderr, flush=True)
    return found


def _drawn(y: np.ndarray, rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Ten rows of each class, and so many others."""
    order = np.random.default_rng(seed).permutation(len(y))
    few = np.concatenate([order[y[order] == kind][:10] for kind in range(10)])
    return few, order[~np.isin(order, few)][:rows]


def measured(data: tuple[np.ndarray, ...], rows: int, seed: int) -> dict[str, float]:
    """Accuracy of each way, with one draw of labelled and other pictures."""
    from wholefit.nn import Recipe, networks, predict, train, transfer
    from wholefit.nn.generative import Divergence, FewLabels, train_few_labels

    x, y, far, truth = data
    few, rest = _drawn(y, rows, seed)
    labelled = (x[few], y[few])
    whole = np.concatenate([x[few], x[rest]])
    recipe = Recipe(epochs=60, batch=32, rate=1e-3, schedule="cosine", seed=seed,
                    weight_decay=1e-2, device="cpu")

    def right(module: Any, inputs: Any = far) -> float:
        return float((predict(module, [inputs]).argmax(axis=1) == truth).mean())

    import torch

    torch.manual_seed(seed)
    torch.set_num_threads(1)
    plain, bent = (networks.make("mlp", inputs=784, outputs=10, hidden=HIDDEN, activation=bend)
                   for bend in ("relu", "sigmoid"))
    model = networks.make("labelled_vae", inputs=784, classes=10)
    on_codes = networks.make("mlp", inputs=50, outputs=10, hidden=[200])
    base = transfer.pretrain_boltzmann(bent, whole, Divergence(epochs=8, rate=2e-3, seed=seed,
                                                               device="cpu"))
    learnt = train_few_labels(model, whole, np.concatenate([y[few], np.full(len(rest), -1)]),
                              FewLabels(seed=seed, device="cpu"))
    with torch.no_grad():
        codes, beyond = (learnt.module.lower.encode(torch.from_numpy(part))[0].numpy()
                         for part in (x[few], far))
    found = {"from nothing, relu": right(train(plain, labelled, recipe).module),
             "from nothing, sigmoid": right(train(bent, labelled, recipe).module),
             "layer by layer": right(transfer.tune(base, labelled, 10, "all", recipe=recipe,
                                                   decay=1.0).module),
             "codes": right(train(on_codes, (codes, y[few]), recipe).module, beyond),
             "with classes": right(learnt.module)}
    print(seed, found, file=sys.stderr, flush=True)
    return found


def _spread(values: list[float]) -> str:
    return f"{np.mean(values):.1%} ({min(values):.1%} to {max(values):.1%})"


if __name__ == "__main__":
    main()
