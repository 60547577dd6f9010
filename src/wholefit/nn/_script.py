"""Recorded kernels written down as a TorchScript graph, which C++ interprets without Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

_ALIASES = (torch.ops.aten.detach.default, torch.ops.aten.alias.default)
# TorchScript writes these kinds of things as numbers, as C++ counts them.
_DTYPES = {torch.uint8: 0, torch.int8: 1, torch.int16: 2, torch.int32: 3, torch.int64: 4,
           torch.float16: 5, torch.float32: 6, torch.float64: 7, torch.bool: 11,
           torch.bfloat16: 15}
_FORMATS = {torch.contiguous_format: 0, torch.preserve_format: 1, torch.channels_last: 2,
            torch.channels_last_3d: 3}


def written(
    calls: Sequence[Any], given: Sequence[torch.Tensor], wanted: Sequence[torch.Tensor],
) -> tuple[Any, list[torch.Tensor]]:
    """A function (given..., constants...) -> wanted, and the tensors that are its constants.

    `calls` are (function, arguments, keywords, results) in the order in which they happened.
    Raises ValueError for an argument that has no place in a graph.
    """
    writer = _Writer(given)
    for call in calls:
        writer.call(*call)
    return writer.function(wanted), writer.constants


class _Writer:
    def __init__(self, given: Sequence[torch.Tensor]) -> None:
        self.constants: list[torch.Tensor] = []
        self._inputs = [f"%i{number}" for number in range(len(given))]
        self._names = {id(each): name for each, name in zip(given, self._inputs, strict=True)}
        self._lines: list[str] = []
        self._plain: dict[Any, str] = {}
        self._head: list[str] = []
        self._count = 0

    def call(self, func: Any, args: Any, kwargs: Any, found: Any) -> None:
        if func in _ALIASES:
            self._names[id(found)] = self._tensor(args[0])
            return
        schema, taken = func._schema, []
        for place, argument in enumerate(schema.arguments):
            if not argument.kwarg_only and place < len(args):
                value = args[place]
            elif argument.name in kwargs:
                value = kwargs[argument.name]
            else:
                value = argument.default_value
            taken.append(self._value(value, argument.type))
        self._write(schema, taken, found)

    def _write(self, schema: Any, taken: list[str], found: Any) -> None:
        lists = [str(each.type) for each in schema.returns]
        if lists == ["List[Tensor]"]:
            whole = self._new()
            self._lines.append(f"{whole} : Tensor[] = {schema.name}({', '.join(taken)})")
            names = [self._new() for _ in found]
            typed = ", ".join(f"{name} : Tensor" for name in names)
            self._lines.append(f"{typed} = prim::ListUnpack({whole})")
        else:
            if any(kind not in ("Tensor", "int") for kind in lists):
                raise ValueError(f"{schema.name} gives {lists}")
            names = [self._new() for _ in lists]
            typed = ", ".join(f"{n} : {k}" for n, k in zip(names, lists, strict=True))
            begin = f"{typed} = " if names else " = "
            self._lines.append(f"{begin}{schema.name}({', '.join(taken)})")
        values = found if isinstance(found, tuple | list) else (found,)
        for name, value in zip(names, values if names else (), strict=True):
            if isinstance(value, torch.Tensor) and self._names.get(id(value), "%v")[1] == "v":
                self._names[id(value)] = name  # what changes an input in place gives it back

    def function(self, wanted: Sequence[torch.Tensor]) -> Any:
        results = ", ".join(self._tensor(each) for each in wanted)
        inputs = ", ".join(f"{name} : Tensor" for name in self._inputs)
        body = "\n".join(f"  {line}" for line in [*self._head, *self._lines])
        kinds = ", ".join("Tensor" for _ in wanted)
        text = (f"graph({inputs}):\n{body}\n  %out : ({kinds}) = prim::TupleConstruct({results})\n"
                "  return (%out)")
        return torch._C._create_function_from_graph("step", torch._C.parse_ir(text))

    def _new(self) -> str:
        self._count += 1
        return f"%v{self._count}"

    def _tensor(self, value: torch.Tensor) -> str:
        if id(value) not in self._names:  # made outside the step: it does not change
            self.constants.append(value.detach())
            self._names[id(value)] = f"%c{len(self.constants)}"
            self._inputs.append(f"%c{len(self.constants)}")
        return self._names[id(value)]

    def _value(self, value: Any, kind: Any) -> str:
        if isinstance(value, torch.Tensor):
            return self._tensor(value)
        if value is None and str(kind) == "Tensor":
            return self._constant("Tensor", "prim::AutogradZero()")
        if isinstance(value, list | tuple):
            return self._list(value, kind)
        if value is None:
            return self._constant("NoneType", "prim::Constant()")
        if isinstance(value, bool):
            return self._constant("bool", f"prim::Constant[value={int(value)}]()")
        if isinstance(value, int):
            if str(kind) in ("float", "Optional[float]"):
                return self._value(float(value), kind)
            return self._constant("int", f"prim::Constant[value={value}]()")
        if isinstance(value, float):
            return self._float(value)
        if isinstance(value, str):
            return self._constant("str", f'prim::Constant[value="{value}"]()')
        if isinstance(value, torch.device):
            return self._constant("Device", f'prim::Constant[value="{value}"]()')
        for table in (_DTYPES, _FORMATS):
            if value in table:
                return self._value(table[value], None)
        if value is torch.strided:
            return self._value(0, None)
        raise ValueError(f"no place in a graph for {value!r}")

    def _float(self, value: float) -> str:
        """Written with every digit; what the grammar cannot say is kept as a tensor."""
        text = repr(value)
        if value != value or value in (float("inf"), float("-inf")) or float(text) != value:
            return self._item(value)
        return self._constant("float", f"prim::Constant[value={text}]()")

    def _item(self, value: float) -> str:
        key = ("item", repr(value))
        if key not in self._plain:
            name = self._new()
            held = self._tensor(torch.tensor(value, dtype=torch.float64))
            self._head.append(f"{name} : Scalar = aten::item({held})")
            self._plain[key] = name
        return self._plain[key]

    def _list(self, value: Any, kind: Any) -> str:
        parts = [self._value(each, None) for each in value]
        name = self._new()
        text = str(kind).replace("Optional[", "")
        inner = next((k for k in ("Optional[Tensor]", "Tensor", "int", "bool", "float")
                      if f"List[{k}" in str(kind)), None)
        if inner is None:
            raise ValueError(f"no place in a graph for a list of kind {text}")
        written = "Tensor?" if inner == "Optional[Tensor]" else inner
        self._lines.append(f"{name} : {written}[] = prim::ListConstruct({', '.join(parts)})")
        return name

    def _constant(self, kind: str, text: str) -> str:
        key = (kind, text)
        if key not in self._plain:
            name = self._new()
            self._head.append(f"{name} : {kind} = {text}")
            self._plain[key] = name
        return self._plain[key]
