"""A network from a file that may be hostile: nothing is made that its weights cannot fill."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from wholefit.base.errors import StateError, WholefitError
from wholefit.base.optional import need
from wholefit.nn import networks

# Bytes that a module may hold beside its weights: tables of positions and the like.
_BESIDE = 64_000_000
_LARGEST = 2**31


def rebuilt(made_of: Any, stored: bytes, allowed: Collection[str] | None = None) -> nn.Module:
    """The network of `made_of` (one of `allowed`, if said) with its weights, in eval mode.

    It is first laid out without memory, and its shapes compared with those in the safetensors file
    `stored`: a file that asks for a network larger than its weights is refused before anything is
    made. Raises StateError.
    """
    if not isinstance(made_of, dict) or "network" not in made_of:
        raise StateError("a network's state must say what it is made of.")
    if allowed is not None and made_of["network"] not in allowed:
        raise StateError(f"the network must be one of {', '.join(allowed)}; got "
                         f"{str(made_of['network'])[:60]!r}.")
    held = _tensors(stored)
    known = {name: tuple(each.shape) for name, each in held.items()}
    _check_words(made_of)
    try:
        with torch.random.fork_rng(devices=[]), _at_most(len(known)):
            with torch.device("meta"):
                planned = networks.make(**made_of)
            _check_sizes(planned, known)
            module = networks.make(**made_of)
            module.load_state_dict(held, strict=True)
    except (StateError, ImportError):
        raise
    except (ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError,
            ValueError, WholefitError, AssertionError) as error:
        raise StateError(f"a network cannot be made of {str(made_of)[:200]}: {error}") from error
    return module.eval()


def _tensors(stored: bytes) -> dict[str, Any]:
    loader = need("safetensors.torch", extra="deep", user="loading a network")
    try:
        return dict(loader.load(stored))
    except Exception as error:  # safetensors has an error class of its own for each fault
        raise StateError(f"the weights of a network are damaged: {error}") from error


def _check_words(value: Any) -> None:
    """Refuse numbers that no network of weights in memory can have."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for each in value:
            _check_words(each)
    elif isinstance(value, (int, float)) and not abs(value) < _LARGEST:
        raise StateError(f"a network has a size of {value!r}, which no file of weights fills: "
                         "none is so large.")


def _check_sizes(planned: nn.Module, known: Mapping[str, tuple[int, ...]]) -> None:
    wanted = {name: tuple(each.shape) for name, each in planned.state_dict().items()}
    if wanted != known:
        odd = sorted(name for name in {*wanted, *known} if wanted.get(name) != known.get(name))
        raise StateError(f"the weights do not fit the network: {odd[0]!r} is "
                         f"{known.get(odd[0], 'missing')}, not {wanted.get(odd[0], 'wanted')}.")
    beside = sum(each.numel() * each.element_size() for name, each in planned.named_buffers()
                 if name not in wanted)
    if beside > _BESIDE:
        raise StateError(f"the network holds {beside:,} bytes beside its weights.")


@contextmanager
def _at_most(count: int) -> Iterator[None]:
    """No more parameters and modules than a network of `count` tensors has; else StateError."""
    left = {"parameters": 2 * count + 8, "modules": 20 * count + 200}
    mine = threading.get_ident()  # torch tells of what every thread makes

    def count_down(word: str) -> Any:
        def seen(*_: Any) -> None:
            if threading.get_ident() != mine:
                return
            left[word] -= 1
            if left[word] < 0:
                raise StateError(f"the network has more {word} than its weights can fill.")

        return seen

    module = torch.nn.modules.module
    handles = [module.register_module_parameter_registration_hook(count_down("parameters")),
               module.register_module_module_registration_hook(count_down("modules"))]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
