"""What a beginning is worth: pre-training without labels, a base, features kept.

    python -m benchmarks.transfer [--parts labels,base,cache] [--seeds 5] [--base lite0.safetensors]

`labels`: a network of 784-256 that first learns to fill in MNIST and Fashion-MNIST pictures
without labels, then 100 or 1,000 labels; beside the same network from nothing. `base`: the
strategies on photos and drawings of Tux Paint, few labels, on a base given by --base (a file that
wholefit.nn.transfer.convert wrote). `cache`: seconds to train a head with features kept, and
without.
"""

from __future__ import annotations

import argparse
import gzip
import io
import time
from typing import Any

import numpy as np
import polars as pl

from benchmarks import _tools

KINDS = ["animals", "town", "food", "seasonal", "plants"]


def digits(name: str) -> tuple[np.ndarray, ...]:
    """Pixels 0 to 1 and labels of the training and the test rows."""
    folder = _tools.data_folder() / name

    def read(file: str, skip: int) -> np.ndarray:
        return np.frombuffer(gzip.decompress((folder / file).read_bytes()), np.uint8, offset=skip)

    return tuple(found for part in ("train", "t10k") for found in (
        read(f"{part}-images-idx3-ubyte.gz", 16).reshape(-1, 784).astype(np.float32) / 255,
        read(f"{part}-labels-idx1-ubyte.gz", 8).astype(np.int64)))


def labels(seeds: int, rows: int) -> str:
    from wholefit.nn import Recipe, networks, predict, train, transfer

    lines = []
    for name in ("mnist", "fashion_mnist"):
        x, y, far, truth = digits(name)
        found: dict[int, dict[str, list[float]]] = {
            count: {"scratch": [], "frozen": [], "tuned": []} for count in (100, 1000)}
        for seed in range(seeds):
            order = np.random.default_rng(seed).permutation(len(x))
            module = networks.make("mlp", inputs=784, outputs=10, hidden=[256])
            base = transfer.pretrain(module, x[order[:rows]], Recipe(
                epochs=20, rate=3e-3, batch=128, schedule="cosine", seed=seed, device="cpu"),
                objective="mask")
            recipe = Recipe(epochs=60, batch=32, rate=1e-3, schedule="cosine", seed=seed,
                            weight_decay=1e-2, device="cpu")
            for count, reached in found.items():
                data = (x[order[:count]], y[order[:count]])
                alone = train(transfer.headed(base, 10, fresh=True, seed=seed), data, recipe)
                frozen = transfer.tune(base, data, 10, "frozen", recipe=recipe)
                tuned = transfer.tune(base, data, 10, "all", recipe=recipe, decay=1.0)
                for kind, each in (("scratch", alone), ("frozen", frozen), ("tuned", tuned)):
                    right = predict(each.module, [far]).argmax(axis=1) == truth
                    reached[kind].append(float(right.mean()))
        lines += [[name, str(count), *(_spread(values) for values in reached.values())]
                  for count, reached in found.items()]
    return f"Accuracy on 10,000 test rows; pre-trained on {rows:,} rows without labels.\n\n" + (
        _tools.markdown(["data", "labels", "from nothing", "pre-trained, frozen",
                         "pre-trained, tuned"], lines))


def stamps(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (n, 3, size, size) on white, and their kind."""
    from PIL import Image

    table = pl.read_parquet(_tools.data_folder() / "tuxpaint_stamps" / "data.parquet")
    table = table.filter(pl.col("category").is_in(KINDS))
    found = []
    for data in table["png"]:
        with Image.open(io.BytesIO(data)) as image:
            shown = Image.new("RGBA", image.size, "white")
            shown.alpha_composite(image.convert("RGBA"))
            found.append(np.asarray(shown.convert("RGB").resize((size, size))).transpose(2, 0, 1))
    return np.stack(found), np.array([KINDS.index(kind) for kind in table["category"]])


def on_base(path: str, seeds: int, size: int, count: int) -> str:
    from wholefit.nn import Recipe, transfer

    x, y = stamps(size)
    base = transfer.load(path)
    picture = base.picture.to_dict() | {"size": size} if base.picture else None
    base = transfer.Base(base.module, picture=picture and transfer.Picture.of(picture),
                         name=base.name)
    table: dict[str, list[Any]] = {}
    said = ""
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(y))
        few, far = order[:count], order[count:]
        found = transfer.strategies(base, (x[few], y[few]), (x[far], y[far]), recipe=Recipe(
            epochs=10, batch=32, rate=1e-3, schedule="cosine", seed=seed, device="cpu"))
        said = said or f"{found.similarity} Advised: {found.advice.strategy}."
        for each in found.tried:
            table.setdefault(each.strategy, []).append(each)
    lines = [[name, _spread([each.accuracy for each in tried]),
              f"{np.mean([each.seconds for each in tried]):.0f}", f"{tried[0].learnt:,}"]
             for name, tried in table.items()]
    return (f"Five kinds of Tux Paint stamps, {count} labels, the other {len(y) - count} judged; "
            f"base {base.name}, {size} x {size}, 10 epochs each. {said}\n\n"
            + _tools.markdown(["strategy", "accuracy", "seconds", "parameters learnt"], lines))


def cached(path: str, size: int, count: int) -> str:
    from wholefit.nn import Recipe, train, transfer

    x, y = stamps(size)
    x, y = x[:count], y[:count]
    recipe = Recipe(epochs=10, batch=32, rate=1e-3, device="cpu")
    module = transfer.headed(path, 5, learns=0.0, size=size)
    start = time.perf_counter()
    train(module, (x, y), recipe)
    whole = time.perf_counter() - start
    start = time.perf_counter()
    features = transfer.extract(module, [x])
    extracting = time.perf_counter() - start
    start = time.perf_counter()
    train(module.head, (features, y), recipe)
    head = time.perf_counter() - start
    return (f"A head on {count} pictures, {size} x {size}, 10 epochs, base frozen: {whole:.1f} s "
            f"through the base, {extracting:.1f} s to compute features once and {head:.2f} s to "
            f"train on them: {whole / (extracting + head):.1f} times as quick, and "
            f"{whole / head:.0f} times once they are kept.")


def _spread(values: list[float]) -> str:
    return f"{np.mean(values):.1%} ({min(values):.1%} to {max(values):.1%})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", default="labels,base,cache")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--base")
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--count", type=int, default=100)
    asked = parser.parse_args()
    parts = asked.parts.split(",")
    found = []
    if "labels" in parts:
        found.append("## Few labels after many rows without\n\n" + labels(asked.seeds, asked.rows))
    if "base" in parts and asked.base:
        found.append("## The strategies on a base\n\n" + on_base(
            asked.base, asked.seeds, asked.size, asked.count))
    if "cache" in parts and asked.base:
        found.append("## Features kept\n\n" + cached(asked.base, asked.size, asked.count))
    _tools.save("transfer", "# Transfer\n\n" + "\n\n".join(found) + "\n\n" + _tools.machine(
        "torch", "wholefit"))


if __name__ == "__main__":
    main()
