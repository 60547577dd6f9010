"""Networks: torch building blocks and the one training loop. Knows arrays, not tables.

    module = networks.make("mlp", inputs=4, outputs=3, hidden=[64])
    trained = train(module, (x, y), Recipe(epochs=30, loss="cross_entropy"), valid=(x2, y2))
    trained.module, trained.history

Importing this room needs torch; nothing else in wholefit imports it before a network is built.
"""

from wholefit.base.optional import need

need("torch", extra="deep", user="a neural network")

from wholefit.nn.loop import Loop, Work  # noqa: E402  (torch must be there first)
from wholefit.nn.predicting import predict  # noqa: E402
from wholefit.nn.recipe import Recipe  # noqa: E402
from wholefit.nn.training import Trained, train  # noqa: E402

__all__ = ["Loop", "Recipe", "Trained", "Work", "predict", "train"]
