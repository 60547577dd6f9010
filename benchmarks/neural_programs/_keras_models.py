"""The same networks in Keras; answers are logits, as in the PyTorch modules."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers


def make(name: str) -> Any:
    """The network of a program."""
    return keras.Sequential(_LAYERS[name]())


def _convolutions(shape: tuple[int, ...], padding: str, dense: int) -> list[Any]:
    return [keras.Input(shape), layers.Conv2D(32, 3, padding=padding, activation="relu"),
            layers.MaxPooling2D(), layers.Conv2D(64, 3, padding=padding, activation="relu"),
            layers.MaxPooling2D(), layers.Flatten(), layers.Dense(dense, activation="relu"),
            layers.Dense(10)]


class Encoder(layers.Layer):
    """One layer, norms after the sums."""

    def __init__(self) -> None:
        super().__init__()
        self.attend = layers.MultiHeadAttention(8, 64, dropout=0.1)
        self.wide = layers.Dense(2048, activation="relu")
        self.narrow = layers.Dense(512)
        self.norms = [layers.LayerNormalization(epsilon=1e-5) for _ in range(2)]
        self.drops = [layers.Dropout(0.1) for _ in range(3)]

    def build(self, shape: Any) -> None:
        self.attend.build(shape, shape)
        self.wide.build(shape)
        self.narrow.build((*shape[:-1], 2048))
        for norm in self.norms:
            norm.build(shape)

    def call(self, x: Any, training: bool = False) -> Any:
        seen = self.drops[0](self.attend(x, x, training=training), training=training)
        x = self.norms[0](x + seen)
        wide = self.drops[1](self.wide(x), training=training)
        return self.norms[1](x + self.drops[2](self.narrow(wide), training=training))


_LAYERS: dict[str, Any] = {
    "iris_mlp": lambda: [keras.Input((4,)), layers.Dense(10, activation="relu"),
                         layers.Dense(10, activation="relu"), layers.Dense(3)],
    "mnist_cnn": lambda: _convolutions((28, 28, 1), "valid", 128),
    "cifar_cnn": lambda: _convolutions((32, 32, 3), "same", 512),
    "simple_rnn": lambda: [keras.Input((20, 10)), layers.SimpleRNN(20), layers.Dense(5)],
    "lstm": lambda: [keras.Input((20, 10)), layers.LSTM(20), layers.Dense(5)],
    "imdb_rnn": lambda: [keras.Input((100,)), layers.Embedding(10_000, 100),
                         layers.SimpleRNN(256), layers.Dense(2)],
    "autoencoder": lambda: [keras.Input((784,)), layers.Dense(128, activation="relu"),
                            layers.Dense(32, activation="relu"),
                            layers.Dense(128, activation="relu"),
                            layers.Dense(784, activation="sigmoid")],
    "transformer": lambda: [keras.Input((32, 512)), Encoder(), layers.GlobalAveragePooling1D(),
                            layers.Dense(2)],
    "char_lstm": lambda: [keras.Input((64,)), layers.Embedding(1000, 64),
                          layers.LSTM(128, return_sequences=True), layers.Dense(1000)],
}
