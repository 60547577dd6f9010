"""What a module is made of, layer by layer: shapes, parameters, arithmetic, memory; all measured.

    table = describe(make("cnn", channels=1, height=28, width=28, outputs=10), (1, 28, 28))
    print(table.to_text())
    table.parameters, table.multiply_adds, table.training_bytes(rows=64)

Shapes are what the layers gave when a row of zeros went through, not what they should give.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from wholefit.base.errors import ParameterError
from wholefit.nn.networks._sizes import output_size, receptive_field

__all__ = ["Description", "Layer", "describe", "field_of", "output_size", "receptive_field"]

_ROWS = 2  # norms over a batch need two


@dataclass(frozen=True)
class Layer:
    """One layer as it was called: `output` is its shape without rows, figures are for one row.

    `multiply_adds` are those of dense layers, convolutions and other products of matrices; what is
    done number by number is not counted. `parameters` are its own, once: a layer used again has 0.
    """

    name: str
    kind: str
    output: tuple[int, ...]
    parameters: int
    multiply_adds: int
    bytes: int


@dataclass(frozen=True)
class Description:
    """A module's layers in the order they were called, and what they come to.

    `saved_bytes` is what one row leaves in memory for the way back, measured as autograd keeps it.
    """

    layers: list[Layer]
    parameters: int
    trainable: int
    multiply_adds: int
    weight_bytes: int
    saved_bytes: int

    def training_bytes(self, rows: int, *, kept: int = 2) -> int:
        """Memory of a training step: weights, gradients, `kept` numbers a weight, saved values.

        `kept` is 2 for Adam, 1 for momentum, 0 for plain descent. What kernels borrow for a moment
        comes on top.
        """
        held = self.weight_bytes * self.trainable // max(1, self.parameters)
        return self.weight_bytes + held * (1 + kept) + rows * self.saved_bytes

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "layers": [asdict(layer) for layer in self.layers]}

    def to_text(self) -> str:
        """A table for people."""
        head = ("layer", "kind", "output", "parameters", "multiply-adds")
        rows = [head, *((each.name, each.kind, " x ".join(map(str, each.output)) or "-",
                         f"{each.parameters:,}", f"{each.multiply_adds:,}")
                        for each in self.layers)]
        widths = [max(len(row[at]) for row in rows) for at in range(len(head))]
        lines = ["  ".join(cell.ljust(width) if at < 3 else cell.rjust(width)
                           for at, (cell, width) in enumerate(zip(row, widths, strict=True)))
                 for row in rows]
        lines.insert(1, "-" * len(lines[0]))
        return "\n".join([*lines, "", (
            f"{self.parameters:,} parameters ({self.trainable:,} learn), {self.weight_bytes:,} "
            f"bytes; {self.multiply_adds:,} multiply-adds a row; {self.saved_bytes:,} bytes a row "
            "kept for the way back.")])


def describe(module: nn.Module, *inputs: Sequence[int] | torch.Tensor) -> Description:
    """The layers of `module` for inputs of these shapes (without rows), or for these tensors.

    Tensors (n, ...) are for what takes whole numbers, such as tokens. The module itself and
    torch's random numbers stay as they are: a copy is looked at. Raises ParameterError for
    inputs that do not fit.
    """
    given = [_input(each) for each in inputs]
    rows = len(given[0]) if given else 1
    looked = copy.deepcopy(module).cpu()
    for name, shown in looked.named_modules():
        shown.name_here = name
    with torch.random.fork_rng(devices=[]):
        try:
            layers = _called(looked.eval(), given, rows)
            saved = _saved(looked.train(), given, rows)
        except (RuntimeError, IndexError, ValueError, TypeError) as error:
            shapes = ", ".join(str(tuple(each.shape[1:])) for each in given)
            raise ParameterError(f"the module does not take inputs of shape {shapes}: {error}"
                                 ) from error
    every = list(module.parameters())
    held = [*every, *module.buffers()]
    return Description(
        layers, sum(p.numel() for p in every), sum(p.numel() for p in every if p.requires_grad),
        sum(layer.multiply_adds for layer in layers),
        sum(each.numel() * each.element_size() for each in held), saved)


def field_of(module: nn.Module, channels: int, height: int, width: int) -> tuple[int, int]:
    """(rows, columns) of the image that the middle place of `module`'s maps depends on; measured.

    Each row, then each column, of an image is made NaN in turn: what it reaches becomes NaN.
    `module` gives maps (n, channels, height, width); it is looked at in eval mode.
    """
    mode = module.training
    module.eval()
    found = []
    with torch.no_grad():
        for axis, size in ((2, height), (3, width)):
            x = torch.zeros(size, channels, height, width)
            for at in range(size):
                x[at].select(axis - 1, at).fill_(torch.nan)
            maps = module(x)
            if maps.dim() != 4:
                raise ParameterError("field_of needs a module that gives maps (n, channels, "
                                     f"height, width); got {maps.dim()} axes.")
            middle = maps[:, :, maps.shape[2] // 2, maps.shape[3] // 2]
            found.append(int(middle.isnan().any(1).sum()))
    module.train(mode)
    return found[0], found[1]


@dataclass
class _Call:
    """A module that is at work: products counted before it, and those of its own children."""

    begun: int
    inside: int = 0
    place: int = 0


@dataclass
class _Watch:
    """Notes each call of each module, and the products it made itself."""

    counter: Any
    rows: int
    open: list[_Call] = field(default_factory=list)
    found: list[Layer | None] = field(default_factory=list)
    known: set[int] = field(default_factory=set)

    def before(self, module: Any, inputs: Any) -> None:
        self.open.append(_Call(self.counter.get_total_flops(), place=len(self.found)))
        self.found.append(None)

    def after(self, module: Any, inputs: Any, output: Any) -> None:
        call = self.open.pop()
        made = self.counter.get_total_flops() - call.begun
        if self.open:
            self.open[-1].inside += made
        own = [p for p in module.parameters(recurse=False) if id(p) not in self.known]
        self.known |= {id(p) for p in own}
        products = (made - call.inside) // (2 * self.rows) or _recurrent(module, inputs, self.rows)
        if own or products or not list(module.children()):
            first = _first(output)
            shape = () if first is None else tuple(first.shape[1:])
            size = 0 if first is None else first.numel() * first.element_size() // self.rows
            self.found[call.place] = Layer(
                module.name_here or "(itself)", type(module).__name__, shape,
                sum(p.numel() for p in own), products, size)


def _called(module: nn.Module, given: list[Any], rows: int) -> list[Layer]:
    # Attention on a processor has an operator of its own, which torch's counter does not know.
    ours = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention}
    with FlopCounterMode(display=False, custom_mapping=ours) as counter, torch.no_grad():
        watch = _Watch(counter, rows)
        hooks = [hook for each in module.modules() for hook in
                 (each.register_forward_pre_hook(watch.before),
                  each.register_forward_hook(watch.after))]
        module(*given)
    for hook in hooks:
        hook.remove()
    return [layer for layer in watch.found if layer is not None]


def _attention(q: Any, k: Any, v: Any, *_: Any, out_shape: Any = None, **__: Any) -> int:
    return int(sdpa_flop_count(q, k, v))


def _first(output: Any) -> Any:
    """The first tensor of what a layer gave: itself, or in tuples, packed sequences and dicts."""
    if isinstance(output, torch.Tensor):
        return output
    inner = output.values() if isinstance(output, Mapping) else output
    if not isinstance(output, tuple | list | Mapping):
        return None
    return next((found for each in inner if (found := _first(each)) is not None), None)


def _recurrent(module: Any, inputs: Any, rows: int) -> int:
    """Products of a recurrent layer, which torch does in one piece that its counter cannot see."""
    if not isinstance(module, nn.RNNBase):
        return 0
    packed = isinstance(inputs[0], nn.utils.rnn.PackedSequence)
    steps = len(inputs[0].data) // rows if packed else (
        inputs[0].shape[1 if module.batch_first else 0])
    return int(steps * sum(p.numel() for name, p in module.named_parameters(recurse=False)
                           if name.startswith("weight")))


def _saved(module: nn.Module, given: list[Any], rows: int) -> int:
    weights = {p.untyped_storage().data_ptr() for p in module.parameters()}
    kept: dict[int, int] = {}
    held: list[torch.Tensor] = []  # alive until counted, so that no address is given twice

    def pack(value: torch.Tensor) -> torch.Tensor:
        storage = value.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
            held.append(value)
        return value

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda value: value):
        module(*given)
    return sum(kept.values()) // rows


def _input(given: Any) -> torch.Tensor:
    if isinstance(given, torch.Tensor):
        return given.cpu()
    return torch.zeros(_ROWS, *(int(side) for side in given))
