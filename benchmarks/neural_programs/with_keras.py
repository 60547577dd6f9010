"""Keras 3, on the backend that KERAS_BACKEND names: compile, fit."""

from __future__ import annotations

import time
from typing import Any

from benchmarks.neural_programs import _run


def prepare(mode: str) -> Any:
    import keras

    from benchmarks.neural_programs import _keras_models

    class Clock(keras.callbacks.Callback):
        def __init__(self, quality: Any) -> None:
            super().__init__()
            self.seconds: list[float] = []
            self.quality = quality

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.began = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.seconds.append(time.perf_counter() - self.began)
            _run.RACE.after_epoch(self.seconds, self.quality)

    def train(program: Any, data: Any, epochs: int, seed: int) -> tuple[list[float], float]:
        keras.utils.set_random_seed(seed)
        model = _keras_models.make(program.name)
        optimizer = (keras.optimizers.SGD(program.rate, momentum=0.9)
                     if program.optimizer == "momentum" else keras.optimizers.Adam(program.rate))
        loss = ("mse" if program.loss == "pixels" else
                keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        model.compile(optimizer=optimizer, loss=loss)
        x, test = data["x"], data["x_test"]
        if x.ndim == 4:
            x, test = (each.transpose(0, 2, 3, 1).copy() for each in (x, test))

        def right() -> float:
            answer = model.predict(test, batch_size=500, verbose=0).argmax(1)
            return float((answer == data["y_test"]).mean())

        clock = Clock(right)
        model.fit(x, data["y"], epochs=epochs, batch_size=program.batch, verbose=0,
                  callbacks=[clock])
        if program.loss != "classes":
            return clock.seconds, float(model.evaluate(test, data["y_test"], verbose=0))
        return clock.seconds, right()

    return train


if __name__ == "__main__":
    _run.main(prepare)
