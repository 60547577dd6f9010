"""Pre-training layer by layer: each layer of a perceptron begins as a Boltzmann machine's.

The first machine learns the rows, the next one what the first says of them, and so on: a deep
belief network (Hinton, Osindero and Teh 2006; Bengio et al. 2007). A machine's hidden units are
sigmoids of sums, so its weights are those of a dense layer.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from torch import nn

from wholefit.base.budget import Clock
from wholefit.base.errors import DataError, ParameterError
from wholefit.base.seeds import derive
from wholefit.nn import networks
from wholefit.nn.generative import Divergence, train_rbm
from wholefit.nn.generative.mixed import begin_at
from wholefit.nn.networks.mlp import MLP
from wholefit.nn.quiet import quiet
from wholefit.nn.transfer.bases import Base


def pretrain_boltzmann(
    module: nn.Module, x: Any, how: Divergence | None = None, *, clock: Clock | None = None,
) -> Base:
    """Teach each hidden layer of `module` in turn with `x` (n, ...), rows without labels, 0 to 1.

    `module` is an "mlp" with the activation "sigmoid", without norms and residual layers; it stays
    as it was, and so does the head in the copy: `tune` puts a new one in its place. Every layer
    is taught by `how`. Raises ParameterError for any other module, DataError for rows beyond 0
    and 1 or with gaps.
    """
    how = how or Divergence()
    made = copy.deepcopy(module).cpu()
    layers = dense_layers(made)
    rows = _checked(x, layers[0].in_features)
    for at, layer in enumerate(layers):
        with quiet(derive(how.seed, "machine", str(at))):
            machine: Any = networks.make("rbm", visible=layer.in_features,
                                         hidden=layer.out_features)
        begin_at(machine, rows.mean(axis=0))
        learnt: Any = train_rbm(machine, rows, how.replace(
            seed=derive(how.seed, "layer", str(at)) % 2**31), clock=clock).module.cpu()
        with torch.inference_mode():
            rows = learnt(torch.from_numpy(rows)).numpy()
        with torch.no_grad():
            layer.weight.copy_(learnt.weight.T)
            layer.bias.copy_(learnt.hidden)
    return Base(made.eval(), name="pretrained here")


def dense_layers(module: nn.Module) -> list[Any]:
    """The hidden layers of a perceptron of sigmoids; ParameterError for anything else."""
    if not isinstance(module, MLP):
        raise ParameterError("Boltzmann machines teach the layers of an 'mlp'; got "
                             f"{type(module).__name__}: use pretrain(..., objective='denoise').")
    hidden = list(module.layers)[:-1]
    strange = [part for part in hidden if not isinstance(part, (nn.Linear, nn.Sigmoid, nn.Dropout))]
    layers = [part for part in hidden if isinstance(part, nn.Linear)]
    bends = sum(isinstance(part, nn.Sigmoid) for part in hidden)
    if strange or bends != len(layers):
        said = type(strange[0]).__name__ if strange else "layers without it"
        raise ParameterError(
            "Boltzmann machines teach layers of sigmoids alone: make the mlp with "
            f"activation='sigmoid', norm='none' and residual=False; got {said}.")
    if not layers:
        raise ParameterError("an mlp with hidden=[] has no layer to teach: give it some.")
    return layers


def _checked(x: Any, wide: int) -> np.ndarray:
    """Rows (n, wide), float32, from 0 to 1."""
    rows = np.array(x.cpu() if isinstance(x, torch.Tensor) else x, dtype=np.float32)
    if not rows.size or rows[0].size != wide:
        raise DataError(f"the network takes {wide} numbers a row; got rows of shape "
                        f"{rows.shape}.")
    rows = rows.reshape(len(rows), wide)
    if not (rows.min() >= 0 and rows.max() <= 1):  # a gap is neither
        raise DataError("Boltzmann machines learn rows from 0 to 1, without gaps; got "
                        f"{rows.min():g} to {rows.max():g}: scale the columns first.")
    return rows
