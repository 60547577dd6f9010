"""The loop that tutorials write: a DataLoader, zero_grad, forward, loss, backward, step.

Mode "resident" is the same loop fed without a DataLoader: tensors in memory, sliced in a new order
each epoch. It is the bar where arithmetic rules.
"""

from __future__ import annotations

import time
from typing import Any

from benchmarks.neural_programs import _run


def prepare(mode: str) -> Any:
    import torch

    from benchmarks.neural_programs import _modules

    def train(program: Any, data: Any, epochs: int, seed: int) -> tuple[list[float], float]:
        if program.loss == "pair":
            return _pair(program, data, epochs, seed, mode)
        model = _modules.make(program.name, seed)
        kind, options = _modules.optimizer_of(program)
        optimizer = kind(model.parameters(), lr=program.rate, **options)
        criterion, seconds = _modules.loss_of(program.loss), []
        batches = _batches(data, program.batch, mode)
        for _ in range(epochs):
            began = time.perf_counter()
            model.train()
            running = 0.0
            for inputs, targets in batches():
                optimizer.zero_grad()
                loss = criterion(model(inputs), targets)
                loss.backward()
                optimizer.step()
                running += loss.item()
            seconds.append(time.perf_counter() - began)
            _run.RACE.after_epoch(seconds, lambda: _modules.quality(program.loss, model, data))
        return seconds, _modules.quality(program.loss, model, data)

    def _pair(program: Any, data: Any, epochs: int, seed: int, mode: str) -> Any:
        torch.manual_seed(seed)
        generator, critic = _modules.Generator(), _modules.Discriminator()
        of_g, of_d = (torch.optim.Adam(m.parameters(), lr=program.rate, betas=(0.5, 0.999))
                      for m in (generator, critic))
        criterion, seconds = torch.nn.BCEWithLogitsLoss(), []
        batches = _batches(data, program.batch, mode)
        for _ in range(epochs):
            began = time.perf_counter()
            for real, _ in batches():
                real = real * 2 - 1
                ones, zeros = torch.ones(len(real)), torch.zeros(len(real))
                fake = generator(torch.randn(len(real), 100))
                of_d.zero_grad()
                loss = criterion(critic(real), ones) + criterion(critic(fake.detach()), zeros)
                loss.backward()
                of_d.step()
                of_g.zero_grad()
                criterion(critic(fake), ones).backward()
                of_g.step()
            seconds.append(time.perf_counter() - began)
        with torch.no_grad():
            generator.eval()
            drawn = generator(torch.randn(1000, 100))
        return seconds, float(drawn.std(0).mean())

    return train


def _batches(data: Any, size: int, mode: str) -> Any:
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    x, y = torch.from_numpy(data["x"]), torch.from_numpy(data["y"])
    if mode != "resident":
        loader = DataLoader(TensorDataset(x, y), batch_size=size, shuffle=True)
        return lambda: loader

    def resident() -> Any:
        for at in torch.randperm(len(x)).split(size):
            yield x[at], y[at]

    return resident


if __name__ == "__main__":
    _run.main(prepare)
