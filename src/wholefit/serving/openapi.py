"""The OpenAPI 3.1 document of what is served: every route, the columns of each model's rows.

Rows are described, not restricted to what training saw: a number outside its range and a category
that is new are answered (and told), so the document gives ranges and levels as examples and
descriptions. What is refused stands in the document: a column that is missing, a value that can
be none of its kind, a member beside the rows that nothing is known of.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wholefit._version import __version__
from wholefit.serving._model import Input, Served, Wants
from wholefit.serving.options import Options
from wholefit.serving.targets import FEEDBACK, MODELS

Document = dict[str, Any]
_MOST_LEVELS = 50
_TABLES = ("text/csv", "application/vnd.apache.parquet", "application/vnd.apache.arrow.stream")
_PROBLEMS = {
    "400": "The body or a parameter cannot be read.", "404": "No such model, version or verb.",
    "405": "The path takes another method.",
    "406": "None of the accepted formats is one that answers come in.",
    "413": "The body or its rows are more than the server takes.",
    "415": "A body of this type cannot be asked here.",
    "422": "A row does not fit the model: the problem names the column, the rule and the rows.",
    "429": "Too much at one time: come again after Retry-After seconds.",
}


def document(served: Sequence[Served], options: Options, *, feedback: bool = True) -> Document:
    """The document of these models."""
    first: dict[str, Served] = {}
    for each in served:
        first.setdefault(each.name, each)
    paths: Document = {}
    schemas: Document = {"Problem": _PROBLEM, "Truth": _TRUTH}
    for at, (name, each) in enumerate(first.items()):
        schemas[_key(name)] = row_schema(each.inputs)
        for verb in each.verbs:
            operation = _operation(each, verb.name, verb.doc, verb.options)
            paths[f"{MODELS}/{name}:{verb.name}"] = {"post": operation}
        for version in [one.version for one in served if one.name == name]:
            main = each.verbs[0]
            paths[f"{MODELS}/{name}/versions/{version}:{main.name}"] = {"post": _operation(
                each, main.name, f"{main.doc}, by version {version}", main.options, version)}
        if at == 0:
            paths["/predict"] = {"post": _operation(
                each, "", f"the first model's answer: {each.verbs[0].doc}",
                each.verbs[0].options)}
    paths.update(_pages(options))
    if feedback:
        paths[FEEDBACK] = {"post": _feedback()}
    return {
        "openapi": "3.1.0",
        "info": {"title": ", ".join(first) or "wholefit", "version": __version__,
                 "description": "Answers of models, served by wholefit."},
        "paths": paths, "components": {"schemas": schemas},
    }


def row_schema(inputs: Sequence[Input]) -> Document:
    """JSON schema of one row."""
    return {"type": "object", "properties": {each.name: _value(each) for each in inputs},
            "required": [each.name for each in inputs if each.required]}


def _value(each: Input) -> Document:
    """What a cell may be; null is a missing one, and numbers may be written as text."""
    if each.role == "numeric":
        said = "" if each.low is None else f" Training saw {each.low:g} to {each.high:g}."
        found: Document = {"type": ["number", "null"], "description": "A number." + said}
        if each.low is not None:
            example = int(each.low) if each.whole else each.low
            found["examples"] = [example]
        return found
    if each.role == "categorical":
        levels = list(each.levels or ())[:_MOST_LEVELS]
        return {"type": ["string", "number", "boolean", "null"],
                "description": "A category; a new one is taken as rare.",
                **({"examples": levels} if levels else {})}
    if each.role == "boolean":
        return {"type": ["boolean", "number", "null"], "description": "True or false, 1 or 0."}
    if each.role == "datetime":
        return {"type": ["string", "null"], "description": "A date or time, best in ISO 8601.",
                "examples": ["2026-01-31T18:00:00"]}
    if each.role == "image":
        return {"type": ["string", "null"], "contentEncoding": "base64",
                "description": "A picture (PNG, JPEG, ...), its bytes in base64."}
    if each.role == "text":
        return {"type": ["string", "null"], "description": "Text."}
    return {"type": ["string", "number", "boolean", "null"],
            "description": "Handed back with the answer; the model does not use it."}


def _operation(
    served: Served, verb: str, says: str, options: Sequence[str], version: str = ""
) -> Document:
    name = served.name
    where = "_".join(word for word in (verb or "predict", _key(name), version) if word)
    if verb == "":
        where = "predict"
    answer = {"description": "Answers, in the shape of the question.", "content": {
        "application/json": {"schema": {"type": ["object", "array"]}},
        **({media: {"schema": {"type": "string", "contentMediaType": media}} for media in _TABLES}
           if served.rowwise(Wants(verb)) else {})}}
    return {
        "operationId": where, "summary": says[:1].upper() + says[1:] + ".",
        "parameters": _parameters(served, options),
        "requestBody": {"required": True, "content": _contents(served, verb)},
        "responses": {"200": answer, **{status: _problem_of(status) for status in _PROBLEMS}},
    }


def _parameters(served: Served, options: Sequence[str]) -> list[Document]:
    told = _WANTS.get(served.task, ())
    found = [{"name": name, "in": "query", "required": False, "description": _WANTED[name][1],
              "schema": _WANTED[name][0]} for name in told]
    found += [{"name": name, "in": "query", "required": False, "schema": {
        "type": ["string", "number", "boolean"]}} for name in options if name not in told]
    found.append({"name": "x-request-id", "in": "header", "required": False,
                  "description": "Comes back with the answer; feedback names it. At most 128 "
                  "letters, digits and _.:+=-; another is replaced by a new one.",
                  "schema": {"type": "string"}})
    return found


_SHARE: Document = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}
_WANTED: dict[str, tuple[Document, str]] = {
    "level": (_SHARE, "An interval or a set beside the answer that holds the truth this often."),
    "least": (_SHARE, "No prediction where the model is less sure than this."),
    "proba": ({"type": "boolean"}, "Whether to give the probability of each class."),
    "explain": ({"type": "boolean"}, "Whether to give what each column adds to the answer."),
}
_WANTS = {"classification": ("proba", "level", "least", "explain"),
          "regression": ("level", "explain")}


def _contents(served: Served, verb: str) -> Document:
    """What a body may be: media types with their schemas."""
    if not served.rowwise(Wants(verb)):
        return {"application/json": {"schema": {"type": ["object", "array"]}}}
    row = {"$ref": f"#/components/schemas/{_key(served.name)}"}
    rows = {"type": "array", "items": row}
    wanted = {name: _WANTED[name][0] for name in _WANTS.get(served.task, ())}
    found: Document = {
        "application/json": {"schema": {"anyOf": [
            row, rows,
            _envelope("rows", rows, wanted),
            _envelope("instances", rows, {
                **wanted, "signature_name": {}, "parameters": {
                    "type": "object", "properties": wanted, "additionalProperties": False}})]}},
        "application/x-ndjson": {"schema": {"type": "string"}},
        **{media: {"schema": {"type": "string", "contentMediaType": media}} for media in _TABLES},
        "multipart/form-data": {"schema": row},
    }
    learnt = [each for each in served.inputs if each.role != "identifier"]
    if len(learnt) == 1 and learnt[0].role == "text":
        found["text/plain"] = {"schema": {"type": "string"}}
    if len(learnt) == 1 and learnt[0].role == "image":
        found["image/*"] = {"schema": {"type": "string", "contentMediaType": "image/*"}}
    return found


def _envelope(word: str, rows: Document, beside: Document) -> Document:
    return {"type": "object", "properties": {word: rows, **beside}, "required": [word],
            "additionalProperties": False}


def _pages(options: Options) -> Document:
    told = {"/": "What this server has", MODELS: "Every model and version with its facts",
            "/openapi.json": "This document", "/metrics": "Prometheus metrics",
            "/livez": "Whether the server runs", "/readyz": "Whether it takes requests",
            "/startupz": "Whether it has begun"}
    found: Document = {}
    for path, says in {**told, **dict.fromkeys(options.health_paths, told["/readyz"])}.items():
        media = "text/plain" if path == "/metrics" else "application/json"
        responses: Document = {"200": {"description": says + ".", "content": {media: {"schema": {
            "type": "string" if path == "/metrics" else "object"}}}}}
        if path in ("/readyz", "/startupz", *options.health_paths):
            responses["503"] = {"description": "Not yet, or no more.", "content": {
                "application/json": {"schema": {"type": "object"}}}}
        found[path] = {"get": {"operationId": path.strip("/").replace("/", "_") or "index",
                               "summary": says + ".", "responses": responses}}
    found[MODELS + "/{name}"] = {"get": {
        "operationId": "model", "summary": "One model with its versions.",
        "parameters": [{"name": "name", "in": "path", "required": True,
                        "schema": {"type": "string"}}],
        "responses": {"200": {"description": "Facts.", "content": {
            "application/json": {"schema": {"type": "object"}}}}, "404": _problem_of("404"),
            "405": _problem_of("405")}}}
    return found


def _feedback() -> Document:
    truth = {"$ref": "#/components/schemas/Truth"}
    return {
        "operationId": "feedback", "summary": "What became true of answers that were given.",
        "requestBody": {"required": True, "content": {"application/json": {"schema": {
            "anyOf": [truth, {"type": "array", "items": truth, "minItems": 1}]}}}},
        "responses": {"202": {"description": "Taken.", "content": {"application/json": {
            "schema": {"type": "object"}}}}, **{each: _problem_of(each)
                                                for each in ("400", "413", "422")}},
    }


def _problem_of(status: str) -> Document:
    return {"description": _PROBLEMS[status], "content": {"application/problem+json": {
        "schema": {"$ref": "#/components/schemas/Problem"}}}}


def _key(name: str) -> str:
    """A model's name as a component may be called."""
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "_"
                   for letter in name) + ".Row"


_PROBLEM: Document = {
    "type": "object", "required": ["type", "title", "status", "detail", "request"],
    "properties": {
        "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
        "detail": {"type": "string", "description": "One sentence: what, the rule, what was got, "
                   "the way out."},
        "column": {"type": "string"}, "rule": {"type": "string"},
        "rows": {"type": "array", "items": {"type": "integer"},
                 "description": "Rows at fault, counted from 1; the first few."},
        "request": {"type": "string"}}}
_TRUTH: Document = {
    "type": "object", "required": ["id", "truth"],
    "properties": {
        "id": {"type": "string", "minLength": 1, "maxLength": 200,
               "description": "The id of the answer (x-request-id); of a row of several, "
               "ID/NUMBER, counted from 1."},
        "truth": {"type": ["string", "number", "boolean"]},
        "at": {"type": ["number", "null"], "minimum": 0, "exclusiveMaximum": 1e11,
               "description": "When it became known, seconds since 1970."}}}
