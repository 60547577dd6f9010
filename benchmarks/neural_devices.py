"""Does each device of this machine give what the CPU gives, within the stated tolerance?

    python -m benchmarks.neural_devices [--steps N] [--short]

Small networks without dropout: a batch answered and derived in each precision, then a short
training from the same weights in the same order of rows, beside the CPU in float32. Figures are
relative distances; the tolerances are `wholefit.nn.devices.TOLERANCES`. Where the machine has no
other device, that is said, and the CPU is compared with itself: other threads, and bfloat16.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from benchmarks import _tools
from wholefit.nn import Recipe, devices, networks

Case = tuple[nn.Module, tuple[torch.Tensor, torch.Tensor], Recipe]
NONE = ("**No device but the CPU is on this machine: no GPU was compared.** The lines below "
        "compare the CPU with itself, with another number of threads and in bfloat16. They show "
        "that the measure works and how far rounding alone goes, and say nothing of a GPU.")


def case(name: str) -> Case:
    """A network, rows that it can learn, and a recipe."""
    torch.manual_seed(0)
    made: dict[str, Callable[[], nn.Module]] = {
        "mlp": lambda: networks.make("mlp", inputs=20, outputs=4, hidden=[64, 64], norm="batch"),
        "cnn": lambda: networks.make("cnn", channels=3, height=16, width=16, outputs=4,
                                     stages=[16, 32], dropout=0.0),
        "lstm": lambda: networks.make("lstm", outputs=4, vocabulary=40, width=16, hidden=32),
        "transformer": lambda: networks.make(
            "transformer_encoder", outputs=4, vocabulary=40, length=12, width=32, heads=4,
            layers=2, dropout=0.0)}
    module, draw = made[name](), torch.Generator().manual_seed(0)
    y = torch.arange(512) % 4
    if name == "mlp":
        x = torch.randn(512, 20, generator=draw) + 0.5 * y[:, None]
    elif name == "cnn":
        x = torch.randn(512, 3, 16, 16, generator=draw) + 0.5 * y[:, None, None, None]
    else:
        x = torch.randint(1, 40, (512, 12), generator=draw)
        x[:, 3] = 1 + y
    return module, (x, y), Recipe(batch=64, rate=2e-3, schedule="cosine", clip=1.0)


CASES = ("mlp", "cnn", "lstm", "transformer")


def compared(steps: int, names: tuple[str, ...] = CASES) -> list[devices.Agreement | str]:
    """Each case on each device; where there is none, on the CPU with other threads, and halved."""
    found: list[devices.Agreement | str] = []
    places = devices.others()
    for name in names:
        for device in places or ["cpu"]:
            for word in ("float32", "bfloat16", "float16"):
                if device == "cpu" and word == "float16":
                    continue  # a CPU learns in the other two
                found += [name, _one(name, device, word, steps)]
    return found


def _one(name: str, device: str, word: str, steps: int) -> devices.Agreement | str:
    """The agreement, or the sentence that says why there is none (an operation a device lacks)."""
    module, rows, recipe = case(name)
    threads = (2 if torch.get_num_threads() == 1 else 1) if device == "cpu" else None
    try:
        return devices.agreement(module, rows, recipe, device=device, precision=word, steps=steps,
                                 threads=threads)
    except (RuntimeError, NotImplementedError) as error:
        return f"{device} in {word} failed: {type(error).__name__}: {str(error).splitlines()[0]}"


def page(found: list[Any], steps: int) -> tuple[str, bool]:
    """The page, and whether all are within the tolerance."""
    rows, whole = [], True
    for name, one in zip(found[::2], found[1::2], strict=True):
        if isinstance(one, str):
            rows.append([name, one, "", "", "", "", "NOT MET"])
            whole = False
            continue
        wide = one.tolerance
        rows.append([name, one.device, one.precision, *(
            f"{value:.1e} (at most {most:.0e})" for value, most in (
                (one.answers, wide.answers), (one.gradients, wide.gradients),
                (one.loss, wide.loss))), "met" if one.holds else "NOT MET"])
        whole = whole and one.holds
    said = [] if devices.others() else [NONE, ""]
    names = [torch.cuda.get_device_name()] if "cuda" in devices.others() else []
    return "\n".join([
        "# Devices beside the CPU", "",
        f"Relative distances from the CPU in float32; the training is of {steps} steps.", "",
        *said, _tools.markdown(["network", "device", "precision", "answers", "gradients",
                                "loss after training", ""], rows), "",
        ", ".join([_tools.machine("wholefit", "torch"), *names]), "",
        "Made by `python -m benchmarks.neural_devices`."]), whole


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--short", action="store_true", help="print, and keep nothing")
    asked = parser.parse_args()
    if asked.steps < 1:
        parser.error(f"--steps must be >= 1; got {asked.steps}")
    text, whole = page(compared(asked.steps), asked.steps)
    if asked.short or asked.steps != 50:
        print(text)
    else:
        _tools.save("neural_devices", text)
    sys.exit(0 if whole else 1)


if __name__ == "__main__":
    main()
