"""Learning what rows cost a variational autoencoder, with torch; it is answered with numpy."""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.base.seeds import derive, generator
from wholefit.base.state import State
from wholefit.models._detectors.estimator import Estimator
from wholefit.nn import networks
from wholefit.nn.generative import Variation, train_vae
from wholefit.nn.generative.mixed import mixed_cost
from wholefit.nn.quiet import quiet

Learnt = tuple[dict[str, Any], dict[str, np.ndarray], dict[str, State]]
# A decoder that says a number may lie anywhere within this many standard deviations says nothing.
_WIDEST = float(np.e)


class VariationalEstimator(Estimator):
    """A variational autoencoder whose decoder says a mean and a spread for every number."""

    kind = "detector.variational"

    def learn(self, Z: np.ndarray) -> Learnt:
        """Layers of encoder and decoder, and the normal draws that every answer is made with.

        Numbers further out than `reach` standard deviations are seen, and learnt from, as lying
        there, so that one wild row does not pull the weights; what is scored is the row as it is.
        """
        words = self.words
        reach, least = float(words["reach"]), float(words["least"])
        wide = Z.shape[1]
        code = words["code"] or max(1, round(wide ** 0.5))
        around = words["width"] or max(8, min(128, 4 * wide))
        rows = np.clip(Z, -reach, reach).astype(np.float32)
        how = Variation(epochs=words["epochs"], batch=min(128, max(16, len(rows) // 20)),
                        rate=words["rate"], beta=words["beta"], device="cpu",
                        seed=derive(self.seed, "variational") % 2**31)
        with quiet(derive(self.seed, "weights"), count=1):
            module = networks.make("vae", inputs=wide, hidden=[around], code=code,
                                   activation="tanh", output="linear", outputs=2 * wide)
            limits = 2 * float(np.log(least)), 2 * float(np.log(_WIDEST))
            self.learner_ = train_vae(module, rows, how,
                                      cost=mixed_cost(wide, limits=limits)).module
        config = {"reach": reach, "least": least, "widest": _WIDEST, "how": words["how"]}
        return config, {**_layers(self.learner_),
                        "noise": noise(words["draws"], code, self.seed)}, {}


def noise(draws: int, code: int, seed: int) -> np.ndarray:
    """Normal draws (draws, code), in pairs about 0: one set for all rows, so that answers repeat.

    A row's score then hangs neither on the rows asked with it nor on chance, and the mean of the
    draws is exactly 0 where their number is even.
    """
    random = generator(seed, "detector", "draws")
    half = random.standard_normal(((draws + 1) // 2, code))
    return np.asarray(np.concatenate([half, -half])[:draws])


def _layers(module: Any) -> dict[str, np.ndarray]:
    """Weights (in, out) and offsets (out,) by the name of their layer."""
    named = {"encoder": module.body[0], "mean": module.mean, "spread": module.spread,
             "decoder": module.decoder[0], "rows": module.decoder[-1]}
    found = {}
    for name, layer in named.items():
        found[f"{name} weights"] = layer.weight.detach().numpy().T.astype(np.float64)
        found[f"{name} bias"] = layer.bias.detach().numpy().astype(np.float64)
    return found
