"""Lightning: a LightningModule and a Trainer without logs, bars and checkpoints."""

from __future__ import annotations

import logging
import time
import warnings
from typing import Any

from benchmarks.neural_programs import _run


def prepare(mode: str) -> Any:
    warnings.simplefilter("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    import lightning
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    from benchmarks.neural_programs import _modules

    class Clock(lightning.Callback):
        def __init__(self, quality: Any) -> None:
            self.seconds: list[float] = []
            self.quality = quality

        def on_train_epoch_start(self, *_: Any) -> None:
            self.began = time.perf_counter()

        def on_train_epoch_end(self, *_: Any) -> None:
            self.seconds.append(time.perf_counter() - self.began)
            _run.RACE.after_epoch(self.seconds, self.quality)

    class Plain(lightning.LightningModule):
        def __init__(self, program: Any, seed: int) -> None:
            super().__init__()
            self.program, self.inner = program, _modules.make(program.name, seed)
            self.of = _modules.loss_of(program.loss)

        def training_step(self, batch: Any, _: int) -> Any:
            return self.of(self.inner(batch[0]), batch[1])

        def configure_optimizers(self) -> Any:
            kind, options = _modules.optimizer_of(self.program)
            return kind(self.parameters(), lr=self.program.rate, **options)

    class Pair(lightning.LightningModule):
        def __init__(self, program: Any, seed: int) -> None:
            super().__init__()
            torch.manual_seed(seed)
            self.automatic_optimization, self.program = False, program
            self.inner, self.critic = _modules.Generator(), _modules.Discriminator()
            self.of = torch.nn.BCEWithLogitsLoss()

        def training_step(self, batch: Any, _: int) -> None:
            of_g, of_d = self.optimizers()
            real = batch[0] * 2 - 1
            ones, zeros = torch.ones(len(real)), torch.zeros(len(real))
            fake = self.inner(torch.randn(len(real), 100))
            of_d.zero_grad()
            self.manual_backward(self.of(self.critic(real), ones)
                                 + self.of(self.critic(fake.detach()), zeros))
            of_d.step()
            of_g.zero_grad()
            self.manual_backward(self.of(self.critic(fake), ones))
            of_g.step()

        def configure_optimizers(self) -> Any:
            return [torch.optim.Adam(m.parameters(), lr=self.program.rate, betas=(0.5, 0.999))
                    for m in (self.inner, self.critic)]

    def train(program: Any, data: Any, epochs: int, seed: int) -> tuple[list[float], float]:
        rows = TensorDataset(torch.from_numpy(data["x"]), torch.from_numpy(data["y"]))
        loader = DataLoader(rows, batch_size=program.batch, shuffle=True)
        model = (Pair if program.loss == "pair" else Plain)(program, seed)
        clock = Clock(lambda: _modules.quality(program.loss, model.inner, data))
        trainer = lightning.Trainer(
            max_epochs=epochs, accelerator="cpu", devices=1, callbacks=[clock], logger=False,
            enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False)
        trainer.fit(model, loader)
        if program.loss == "pair":
            with torch.no_grad():
                drawn = model.inner.eval()(torch.randn(1000, 100))
            return clock.seconds, float(drawn.std(0).mean())
        return clock.seconds, _modules.quality(program.loss, model.inner, data)

    return train


if __name__ == "__main__":
    _run.main(prepare)
