"""A hundred labels and thousands of pictures without: what each use of the latter is worth.

    WHOLEFIT_DATA=... python -m benchmarks.few_labels [--seeds 3] [--rows 6000]

Ten labelled pictures of each of ten classes of MNIST and of Fashion-MNIST; judged on the 10,000
test pictures. From nothing: networks that see the labelled ones alone, of relu and of sigmoids.
Layer by layer: that of sigmoids, its layers taught by Boltzmann machines, then tuned. Codes: a
perceptron on the codes of a variational autoencoder (M1). With classes: "labelled_vae" (M1 + M2).
Writes benchmarks/results/few_labels.md.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

import numpy as np

from benchmarks import _tools
from benchmarks.transfer import digits

HIDDEN = [256, 256, 256]
WAYS = ("from nothing, relu", "from nothing, sigmoid", "layer by layer", "codes", "with classes")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.few_labels")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=6000)
    asked = parser.parse_args()
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


def measured(data: tuple[np.ndarray, ...], rows: int, seed: int) -> dict[str, float]:
    """Accuracy of each way, with one draw of labelled and other pictures."""
    from wholefit.nn import Recipe, networks, predict, train, transfer
    from wholefit.nn.generative import Divergence, FewLabels, train_few_labels

    x, y, far, truth = data
    order = np.random.default_rng(seed).permutation(len(x))
    few = np.concatenate([order[y[order] == kind][:10] for kind in range(10)])
    rest = order[~np.isin(order, few)][:rows]
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
