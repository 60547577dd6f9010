"""skorch: a NeuralNet around the module."""

from __future__ import annotations

from typing import Any

from benchmarks.neural_programs import _run


def prepare(mode: str) -> Any:
    import torch
    from skorch import NeuralNet
    from skorch.callbacks import Callback

    from benchmarks.neural_programs import _modules

    class Loss(torch.nn.Module):
        def __init__(self, kind: str) -> None:
            super().__init__()
            self.of = _modules.loss_of(kind)

        def forward(self, out: Any, target: Any) -> Any:
            return self.of(out, target)

    def train(program: Any, data: Any, epochs: int, seed: int) -> tuple[list[float], float]:
        class Look(Callback):
            def on_epoch_end(self, net: Any, **_: Any) -> None:
                _run.RACE.after_epoch(net.history[:, "dur"], lambda: _modules.quality(
                    program.loss, net.module_, data))

        module = _modules.make(program.name, seed)
        kind, options = _modules.optimizer_of(program)
        net = NeuralNet(
            module, criterion=Loss, criterion__kind=program.loss, optimizer=kind, lr=program.rate,
            max_epochs=epochs, batch_size=program.batch, iterator_train__shuffle=True,
            train_split=None, verbose=0, callbacks=[Look()],
            **{f"optimizer__{name}": value for name, value in options.items()})
        net.fit(data["x"], data["y"])
        return list(net.history[:, "dur"]), _modules.quality(program.loss, net.module_, data)

    return train


if __name__ == "__main__":
    _run.main(prepare)
