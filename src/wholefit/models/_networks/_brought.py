"""Estimators around a module that a user brings, fitted anew or fitted already."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator
from torch import nn

from wholefit.base import seeds
from wholefit.base.errors import ParameterError, StateError, WholefitWarning
from wholefit.base.state import State
from wholefit.models._kernels import _links, _network_inputs
from wholefit.models._networks._answering import Answering
from wholefit.models._networks._estimators import NetworkClassifier, NetworkRegressor
from wholefit.nn import weights
from wholefit.nn.quiet import threads


class _Brought:
    """What both share: `network` holds "made", the module or the function that makes it."""

    def _learn(self: Any, X: np.ndarray, target: np.ndarray, outputs: int, weight: Any,
               strata: np.ndarray | None) -> None:
        self.seed_, self.updates_ = self._seed(), 0
        self.counted_: list[dict[str, Any]] = []
        spans = self.spans
        only = {span.kind for span in spans or ()} == {"image"}
        if spans and not only:  # other kinds of input are numbers to a module that knows one input
            spans = None
        self.inputs_ = _network_inputs.learn(X, spans, self.scaling, onehot=True)
        pieces = self.inputs_.split(X)
        self.figures_ = _network_inputs.pixel_figures([p for p in pieces if p.ndim == 4])
        module = _made(self.network["made"], pieces, outputs, self.seed_)
        self.made_of_ = _stored(module)
        with threads(self.jobs):
            _check(module, pieces, outputs)
        self._teach(module, pieces, target, weight, strata, dict(self.recipe or {}))

    def _name(self) -> str:
        return "mlp"  # whose recipe is a plain one

    def _words(self: Any) -> str:
        """A function's name in place of its address, which another process has elsewhere."""
        given = self.network["made"]
        said = repr(given) if isinstance(given, nn.Module) else given.__qualname__
        return repr((said, self.augment, self.scaling))


class ModuleClassifier(_Brought, NetworkClassifier):
    """Classes by a copy of the module."""


class ModuleRegressor(_Brought, NetworkRegressor):
    """Numbers by a copy of the module."""


class AdoptedModule(BaseEstimator):
    """A module that is fitted already, answering rows (n, features) of numbers as they are.

    `classes_` are set for a classifier: the module's outputs, in that order.
    """

    def __init__(self, module: Any, classes: Any = None) -> None:
        self.module = module
        if classes is not None:
            self.classes_ = np.asarray(classes)

    def raw(self, X: Any) -> np.ndarray:
        """What the module gives, (n, outputs)."""
        values = np.asarray(X, dtype=np.float64)
        inputs = _network_inputs.learn(values, None, "none", onehot=True)
        return Answering(self.module, inputs, ()).raw(values)

    def predict(self, X: Any) -> np.ndarray:
        """Classes or numbers (n,)."""
        found = self.raw(X)
        if not hasattr(self, "classes_"):
            return found[:, 0] if found.shape[1] == 1 else found
        return np.asarray(self.classes_)[_probabilities(found).argmax(axis=1)]

    def __getattr__(self, name: str) -> Any:
        if name == "predict_proba" and "classes_" in self.__dict__:
            return lambda X: _probabilities(self.raw(X))
        raise AttributeError(name)

    def state(self, n_classes: int) -> State:
        """Kind "network"; StateError where the module's class is not in the registry."""
        made_of = _stored(self.module)
        if made_of is None:
            raise StateError(stranger(type(self.module).__name__))
        features = _first_width(self.module)
        inputs = _network_inputs.learn(np.zeros((1, features)), None, "none", onehot=True)
        classes = [int(code) for code in self.classes_] if n_classes else None
        config = {"made_of": made_of, "inputs": inputs.config(), "n_classes": n_classes,
                  "classes": classes, "link": "softmax" if n_classes else "identity",
                  "updates": 0, "seed": 0, "flat": True}
        arrays = {} if n_classes else {"target": np.array([[0.0], [1.0]])}
        return State("network", config, arrays,
                     {"weights.safetensors": weights.to_bytes(self.module)})


def stranger(name: str) -> str:
    """Why a module of a class that the registry does not know is not saved, and the way out."""
    return (
        f"{name} can be fitted and used, but not saved: a file holds weights and no code, and its "
        "class is not in the registry of networks. Write @network('name') above the class (from "
        "wholefit.nn.networks import network), with options in __init__ that are plain values, "
        "make it by networks.make('name', ...), and import its file before loading.")


def _made(given: Any, pieces: list[np.ndarray], outputs: int, seed: int) -> nn.Module:
    """A copy of the module, or what the function makes of the sizes; the same for a seed."""
    if isinstance(given, nn.Module):
        return copy.deepcopy(given)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeds.derive(seed, "weights"))
        made = given(int(np.prod(pieces[0].shape[1:])), outputs)
    if not isinstance(made, nn.Module):
        raise ParameterError(f"{given.__name__}(inputs, outputs) must give a torch module; it gave "
                             f"{type(made).__name__}.")
    return made


def _check(module: nn.Module, pieces: list[np.ndarray], outputs: int) -> None:
    """The module on a few rows: what it gives must be of the right shape, before hours are spent.

    A copy is asked, so that nothing of the module changes.
    """
    some = [torch.from_numpy(np.asarray(piece[:4], dtype=np.float32)) for piece in pieces]
    name = type(module).__name__
    try:
        with torch.inference_mode():
            found = copy.deepcopy(module).cpu().eval()(*some)
    except (RuntimeError, TypeError, ValueError, IndexError, AssertionError) as error:
        raise ParameterError(
            f"{name} cannot take rows of shape {tuple(some[0].shape[1:])}: {error} (categories are "
            "0/1 numbers; a function of (inputs, outputs) can make it to measure).") from error
    rows = len(some[0])
    shapes = {(rows, outputs)} | ({(rows,)} if outputs == 1 else set())
    shape = tuple(getattr(found, "shape", ()))
    if shape not in shapes:
        raise ParameterError(f"{name} must give ({rows}, {outputs}) for {rows} rows: one output "
                             f"for each class, or a number; it gave {shape or type(found)}.")
    if outputs > 1 and bool((found >= 0).all()) and bool((found.sum(dim=1) - 1).abs().max() < 1e-4):
        warnings.warn(
            f"{name} seems to end in a softmax: the loss takes it again, which slows learning and "
            "spoils probabilities. Give logits: leave the softmax out.", WholefitWarning,
            stacklevel=2)


def _stored(module: nn.Module) -> Any:
    """How the registry makes it, where its class is in it under that name."""
    from wholefit.nn import networks

    made_of = getattr(module, "made_of", None)
    if not isinstance(made_of, dict) or made_of.get("network") not in networks.names():
        return None
    known = networks.get(made_of["network"])
    return made_of if type(module) is known else None


def _first_width(module: nn.Module) -> int:
    """Numbers a row, as the first linear layer takes them."""
    return next(int(part.in_features) for part in module.modules() if isinstance(part, nn.Linear))


def _probabilities(raw: np.ndarray) -> np.ndarray:
    """Of logits (n, classes), or of one logit for the second of two classes."""
    if raw.shape[1] == 1:
        raw = np.concatenate([np.zeros_like(raw), raw], axis=1)
    return np.asarray(_links.softmax(raw))
