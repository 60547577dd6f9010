"""fastai: DataLoaders and a Learner, plain fit, no bar."""

from __future__ import annotations

import time
from typing import Any

from benchmarks.neural_programs import _run


def prepare(mode: str) -> Any:
    import torch
    from fastai.callback.core import Callback
    from fastai.data.core import DataLoaders
    from fastai.data.load import DataLoader
    from fastai.learner import Learner
    from fastai.optimizer import SGD, Adam

    from benchmarks.neural_programs import _modules

    class Clock(Callback):
        def before_train(self) -> None:
            self.began = time.perf_counter()

        def after_train(self) -> None:
            found.append(time.perf_counter() - self.began)
            _run.RACE.after_epoch(found, lambda: self.quality(self.learn.model))

    found: list[float] = []

    def train(program: Any, data: Any, epochs: int, seed: int) -> tuple[list[float], float]:
        module = _modules.make(program.name, seed)
        rows = torch.utils.data.TensorDataset(torch.from_numpy(data["x"]),
                                              torch.from_numpy(data["y"]))
        few = torch.utils.data.Subset(rows, range(1))
        loaders = DataLoaders(DataLoader(rows, bs=program.batch, shuffle=True, num_workers=0),
                              DataLoader(few, bs=1, num_workers=0), device=torch.device("cpu"))
        clock = Clock()
        clock.quality = lambda module: _modules.quality(program.loss, module, data)
        momentum = program.optimizer == "momentum"
        learner = Learner(
            loaders, module, loss_func=_modules.loss_of(program.loss), lr=program.rate,
            opt_func=(lambda p, lr, **_: SGD(p, lr=lr, mom=0.9)) if momentum else
            (lambda p, lr, **_: Adam(p, lr=lr, mom=0.9, sqr_mom=0.999, eps=1e-8, wd=0.0)),
            cbs=[clock], train_bn=True)
        with learner.no_logging():
            learner.fit(epochs)
        return list(found), _modules.quality(program.loss, module, data)

    return train


if __name__ == "__main__":
    _run.main(prepare)
