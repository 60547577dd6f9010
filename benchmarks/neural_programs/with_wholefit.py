"""wholefit: `nn.train` with a recipe; an adversarial pair as a piece of work for its loop.

Mode "own" takes the library's network and recipe for images in place of the textbook's.
"""

from __future__ import annotations

import math
import time
from typing import Any

from benchmarks.neural_programs import _run


def prepare(mode: str) -> Any:
    import numpy as np
    import torch

    from benchmarks.neural_programs import _modules
    from wholefit import nn

    class Look:
        every_step = False

        def __init__(self, module: Any, program: Any, data: Any) -> None:
            self.given = program.loss, module, data

        def __call__(self, event: str, loop: Any) -> None:
            if event == "epoch":
                _run.RACE.after_epoch([row["seconds"] for row in loop.history],
                                      lambda: _modules.quality(*self.given))

    def train(program: Any, data: Any, epochs: int, seed: int) -> tuple[list[float], float]:
        if program.loss == "pair":
            return _pair(program, data, epochs, seed)
        module = _modules.make(program.name, seed)
        recipe = nn.Recipe(
            epochs=epochs, batch=program.batch, rate=program.rate, optimizer=program.optimizer,
            loss="squared" if program.loss == "pixels" else "cross_entropy", seed=seed,
            device="cpu")
        looks = [Look(module, program, data)] if _run.RACE.goal < math.inf else []
        trained = nn.train(module, (data["x"], data["y"]), recipe, callbacks=looks)
        seconds = [row["seconds"] for row in trained.history]
        return seconds, _modules.quality(program.loss, trained.module, data)

    def _pair(program: Any, data: Any, epochs: int, seed: int) -> tuple[list[float], float]:
        from wholefit.nn.batches import Resident, tensors

        class Pair:
            """Two modules against each other: a `Work`."""

            def __init__(self) -> None:
                torch.manual_seed(seed)
                self.inner, self.critic = _modules.Generator(), _modules.Discriminator()
                self.of_g, self.of_d = (
                    torch.optim.Adam(m.parameters(), lr=program.rate, betas=(0.5, 0.999),
                                     fused=True) for m in (self.inner, self.critic))
                self.batches = Resident(tensors([data["x"]]), program.batch, seed=seed)
                self.of = torch.nn.functional.binary_cross_entropy_with_logits

            def next_batch(self) -> Any:
                return self.batches.next_batch()

            def step(self, batch: Any) -> dict[str, Any]:
                real = batch[0] * 2 - 1
                ones, zeros = torch.ones(len(real)), torch.zeros(len(real))
                fake = self.inner(torch.randn(len(real), 100))
                self.of_d.zero_grad()
                loss = self.of(self.critic(real), ones) + self.of(self.critic(fake.detach()), zeros)
                loss.backward()
                self.of_d.step()
                self.of_g.zero_grad()
                self.of(self.critic(fake), ones).backward()
                self.of_g.step()
                return {"loss": loss}

            def judge(self) -> dict[str, float]:
                return {}

            def state_dict(self) -> dict[str, Any]:
                return {"generator": self.inner.state_dict(), "critic": self.critic.state_dict()}

            def load_state_dict(self, state: Any) -> None:
                self.inner.load_state_dict(state["generator"])
                self.critic.load_state_dict(state["critic"])

        work = Pair()
        history = nn.Loop(work, epochs=epochs).run()
        with torch.no_grad():
            drawn = work.inner.eval()(torch.randn(1000, 100))
        return [row["seconds"] for row in history], float(drawn.std(0).mean())

    def own(program: Any, data: Any, epochs: int, seed: int) -> tuple[list[float], float]:
        """The library's own network and recipe for such images: trained anew for each count of
        epochs, its schedule ends with them.
        """
        from benchmarks.neural_accuracy import _recipes

        name, low, high = {"mnist_cnn": ("mnist", 0, 255),
                           "cifar_cnn": ("cifar10", 1, 127.5)}[program.name]
        x, test = (np.rint((data[key] + low) * high).astype(np.uint8) for key in ("x", "x_test"))
        for count in range(1, epochs + 1):
            began = time.perf_counter()
            found, scaled = _recipes.learnt(name, x, data["y"], seed=seed, epochs=count,
                                            precision="auto", threads=torch.get_num_threads())
            took = time.perf_counter() - began
            logits = nn.predict(found.module, (scaled(torch.from_numpy(test)),))
            right = float((logits.argmax(1) == data["y_test"]).mean())
            _run.RACE.after_epoch([took], lambda right=right: right)
        return [took], right

    return own if mode == "own" else train


if __name__ == "__main__":
    _run.main(prepare)
