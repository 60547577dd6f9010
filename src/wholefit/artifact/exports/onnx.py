"""The whole pipeline as one ONNX file: columns in, predictions and probabilities out.

Written from the model's own State with ONNX's helper, so no converter of another library is asked.
The graph is that of opset 18; trees need ai.onnx.ml 5 (ONNX Runtime 1.20 or later), running text
needs ONNX Runtime's own Tokenizer. Outputs of a classification: "prediction", the label that is
decided, and "probabilities" (rows, classes); of a regression "prediction" (rows,); of what learnt
without a target "answer" (rows, ...). The file's metadata say which input is which column.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from wholefit._version import __version__
from wholefit.artifact.exports import _prepared
from wholefit.artifact.exports._compile import plain, plain_blend
from wholefit.artifact.exports._onnx_columns import encoded
from wholefit.artifact.exports._onnx_graph import Graph, Value
from wholefit.artifact.exports._onnx_inputs import NO_TIME, Columns
from wholefit.artifact.exports._onnx_models import answered, rows_answered
from wholefit.artifact.exports._subject import Subject
from wholefit.base.errors import ArtifactError, ExportError, StateError, WholefitError
from wholefit.base.optional import need
from wholefit.base.stored import reading
from wholefit.base.wording import first_line

NAME = "onnx"
EXTENSION = ".onnx"
SAID = "the whole pipeline for ONNX Runtime, in any language it speaks"
TOLERANCE = 1e-5
_ROWS = 5_000
_OUTSIDE = ("picture", "tokens")
"""Inputs that are made of a column outside the graph."""
_CLASSES = {str: "s", bool: "b", int: "i8", float: "f8"}


def write(
    fitted: Subject, path: Path, *, single: bool = False, locale: str = "C.UTF-8"
) -> list[str]:
    """Write the graph; `single` makes numeric inputs float32, `locale` makes letters small.

    `locale` is the name of a locale that the machine which answers has; only texts need it.
    ExportError for what ONNX cannot hold.
    """
    if fitted.recipe:
        raise ExportError("this model cleans rows by a learnt recipe before it encodes them, "
                          "which ONNX operations cannot: serve the .wf file (`wholefit serve`), "
                          "or clean first and fit on the cleaned rows.")
    graph = Graph()
    columns = Columns(graph, fitted.schema, single=single, locale=locale)
    with reading("the model cannot be written as ONNX"), _refused():
        answer = _answer(fitted, columns)
        notes = _outputs(fitted, graph, answer)
        model = graph.model(_facts(fitted, columns), f"{fitted.task.name} by wholefit")
    path.write_bytes(model.SerializeToString())
    return notes + _notes(columns)


@contextmanager
def _refused() -> Iterator[None]:
    """What a state cannot give is told as an ExportError."""
    try:
        yield
    except StateError as error:
        raise ExportError(f"this model cannot be written as ONNX: {error}") from error


def _answer(fitted: Subject, columns: Columns) -> Value:
    if fitted.reads == "rows":
        return rows_answered(columns, plain_blend(fitted.model))
    if fitted.reads == "frame":
        from wholefit.artifact.exports._onnx_pipelines import pipeline

        return pipeline(columns, fitted.model)
    assert fitted.encoder is not None
    state = fitted.encoder.state()
    model = plain(fitted.model, state)
    return answered(encoded(columns, state), model, bool(state.config["sparse"]))


def _outputs(fitted: Subject, graph: Graph, answer: Value) -> list[str]:
    if not fitted.classes:
        if fitted.task.supervised:
            graph.output(_free(graph, "prediction"), answer.shaped(-1))
        else:
            graph.output(_free(graph, "answer"), answer, ("axes",))
        return []
    notes = []
    decision = fitted.decision
    if decision is None or decision.groups is not None:
        codes = answer.argmax()
        if decision is not None:
            notes = ["its decision differs by group of rows: the file says the most probable "
                     "class; decide by its probabilities"]
    elif decision.threshold is not None:
        above = answer.columns([decision.positive]) >= float(decision.threshold)
        codes = above.where(decision.positive, 1 - decision.positive).cast("i8").shaped(-1)
    else:
        codes = (answer @ np.array(decision.costs)).argmax(op="ArgMin")
    graph.output(_free(graph, "prediction"), _labels(graph, fitted.classes).taken(codes))
    graph.output(_free(graph, "probabilities"), answer, (len(fitted.classes),))
    return notes


def _labels(graph: Graph, classes: tuple[Any, ...]) -> Value:
    kinds = {_CLASSES.get(type(each), "s") for each in classes}
    if kinds == {"i8", "f8"}:
        kinds = {"f8"}
    kind = kinds.pop() if len(kinds) == 1 else "s"
    if kind == "s":
        return graph.const(np.array([str(each) for each in classes], dtype=object))
    return graph.const(np.array(classes), kind)


def _free(graph: Graph, name: str) -> str:
    while graph.taken_name(name):
        name += "_"
    return name


def _facts(fitted: Subject, columns: Columns) -> dict[str, str]:
    facts = {"wholefit": __version__, "task": fitted.task.name,
             "target": fitted.schema.target or "", "columns": json.dumps(columns.facts),
             "classes": json.dumps(list(fitted.classes))}
    outside = [fact for fact in columns.facts if fact["kind"] in _OUTSIDE]
    if outside and fitted.encoder is None:
        raise ExportError("an ensemble whose members read texts or pictures each in its own way "
                          "cannot be written as one ONNX file: export one of them alone.")
    for fact in outside:  # the runner makes them by the encoder, which goes with the file
        fact["features"] = [at for at, source in enumerate(fitted.encoder.sources)  # type: ignore[union-attr]
                            if source == fact["column"]]
    facts |= {"columns": json.dumps(columns.facts)}
    facts |= {"encoder": _prepared.packed(fitted).hex()} if outside else {}
    return {name: value for name, value in facts.items() if value}


def _notes(columns: Columns) -> list[str]:
    notes = []
    for fact in columns.facts:
        if fact["kind"] == "picture":
            shape = " x ".join(map(str, fact["shape"]))
            notes.append(f"pictures of {fact['column']!r} must come as uint8 {shape} "
                         f"(channels, height, width; {fact['fit']})")
        elif fact["kind"] == "tokens":
            notes.append(f"texts of {fact['column']!r} must come as {fact['length']} token numbers "
                         "each, made by the model's tokenizer")
    return notes


# Answering --------------------------------------------------------------------------------------

class _Runner:
    """Answers by ONNX Runtime on the processor; `session` is its InferenceSession."""

    def __init__(self, path: Path, threads: int | None) -> None:
        runtime = need("onnxruntime", extra="export", user="answering from an ONNX file")
        options = runtime.SessionOptions()
        options.log_severity_level = 4
        if threads is not None:
            options.intra_op_num_threads = options.inter_op_num_threads = threads
        try:
            self.session = runtime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"])
            facts = self.session.get_modelmeta().custom_metadata_map
            self.columns: list[dict[str, Any]] = json.loads(facts["columns"])
            self.classes: list[Any] = json.loads(facts.get("classes", "[]"))
            self._flat = facts.get("task") == "anomaly"  # one score a row
            self._features = _prepared.Features(bytes.fromhex(
                facts["encoder"])) if "encoder" in facts else None
        except (KeyError, ValueError) as error:
            raise ArtifactError(f"{path.name} is no ONNX file of wholefit: its metadata say "
                                "nothing of its columns.") from error
        except WholefitError:
            raise
        except Exception as error:  # the runtime has an error class of its own for each fault
            raise ExportError(f"ONNX Runtime cannot read {path.name}: "
                              f"{first_line(error, 300)}") from error
        self._names = [each.name for each in self.session.get_outputs()]
        self._kinds = {each.name: each.type for each in self.session.get_inputs()}

    def answer(self, frame: Any) -> np.ndarray:
        """Conforming rows to probabilities (n, classes), numbers (n,), or what the task gives."""
        return np.asarray(self._all(frame, self._names[-1]), dtype=np.float64)

    def labels(self, frame: Any) -> np.ndarray:
        """Codes (n,) of the classes that the file decides."""
        place = {str(each): code for code, each in enumerate(self.classes)}
        found = self._all(frame, self._names[0])
        kind = type(self.classes[0])
        return np.array([place[str(kind(each))] for each in found.tolist()], dtype=np.intp)

    def inputs(self, frame: Any) -> dict[str, np.ndarray]:
        """The arrays to feed for these rows."""
        found = {fact["input"]: _cells(frame, fact, self._kinds[fact["input"]])
                 for fact in self.columns if fact["kind"] not in _OUTSIDE}
        if self._features is not None:
            X = self._features.of(frame)
            for fact in self.columns:
                if fact["kind"] == "picture":
                    found[fact["input"]] = X[:, fact["features"]].astype(np.uint8).reshape(
                        -1, *fact["shape"])
                elif fact["kind"] == "tokens":
                    found[fact["input"]] = X[:, fact["features"]].astype(np.int64)
        return found

    def _all(self, frame: Any, name: str) -> np.ndarray:
        parts = []
        for at in range(0, max(frame.height, 1), _ROWS):
            found, = self.session.run([name], self.inputs(frame[at:at + _ROWS]))
            parts.append(np.asarray(found))
        whole = np.concatenate(parts)
        return whole[:, 0] if self._flat and whole.ndim == 2 else whole


def open(path: Path, threads: int | None = None) -> _Runner:
    """What answers from an ONNX file that `write` wrote; `threads` of ONNX Runtime."""
    return _Runner(Path(path), threads)


def _cells(frame: Any, fact: dict[str, Any], kind: str) -> np.ndarray:
    """A column of a conforming frame as its input takes it."""
    import polars as pl

    column = frame.get_column(fact["column"])
    if fact["kind"] == "number":
        cells = column.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
        return cells[:, None].astype(np.float32 if kind == "tensor(float)" else np.float64)
    if fact["kind"] == "time":
        times = column.cast(pl.Datetime("us")).to_physical().fill_null(NO_TIME)
        return times.to_numpy().astype(np.int64)[:, None]
    words = column.cast(pl.String).fill_null(fact["missing"])
    return np.array(words.to_list(), dtype=object)[:, None]
