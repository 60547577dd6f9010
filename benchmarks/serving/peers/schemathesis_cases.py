"""Requests that schemathesis (4.32) makes of an OpenAPI document, strange ones and wrong ones.

    python schemathesis_cases.py DOCUMENT OUT.jsonl COUNT [SEED]

DOCUMENT is a URL or a file. Each line of OUT is one request: its mode ("positive" fits the
document, "negative" does not), operation and reason; then method, target, headers and body (in
base64) as they go over the wire. The same document and seed give the same lines. Printed, in JSON:
the version, the operations, and how many cases could not be written as a request.
"""

import base64
import json
import random
import re
import sys
from collections import defaultdict
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path

import hypothesis
import requests
import schemathesis
from hypothesis.errors import Unsatisfiable
from schemathesis.core.control import SkipTest

PLACE = "http://127.0.0.1"
# Tables that schemathesis has no writer for. The document says no more of them than that they are
# text, so text is what they hold.
TABLES = ("application/x-ndjson", "application/vnd.apache.parquet",
          "application/vnd.apache.arrow.stream")


@schemathesis.serializer(*TABLES)
def as_text(context, value):
    return value if isinstance(value, bytes) else str(value).encode()


def main(source, out, count, seed=0):
    schema = schemathesis.openapi.from_dict(read(source))
    # Its own choice lacks the one method whose answers have no body.
    schema.config.phases.coverage.unexpected_methods |= {"head"}
    operations = [each.ok() for each in schema.get_all_operations()]
    lines, left_out = {}, 0
    for mode, case in in_turns(streams(schema, operations, count, seed)):
        try:
            lines.setdefault(json.dumps(written(mode, case)))
        except (requests.RequestException, ValueError):  # a line's end in a header, say
            left_out += 1
        if len(lines) == count:
            break
    # In the order of their making, the rarest kinds would all come first.
    shuffled = random.Random(seed).sample(list(lines), len(lines))
    Path(out).write_text("".join(each + "\n" for each in shuffled))
    print(json.dumps({"version": schemathesis.__version__, "operations": len(operations),
                      "left_out": left_out}))


def read(source):
    """The document; by schemathesis's own loader its operations lack the one that gives it."""
    web = "://" in source
    return requests.get(source, timeout=60).json() if web else json.loads(Path(source).read_text())


def streams(schema, operations, count, seed):
    """Cases by operation, mode and way of making them: as many as may be needed of each."""
    most = -(-count // len(operations))
    for operation in operations:
        for mode in schemathesis.GenerationMode:
            yield drawn(operation, mode, most, seed)
            yield enumerated(schema, operation, mode, most, seed)


def drawn(operation, mode, most, seed):
    """Cases drawn at random."""
    found = []

    # Operations are much alike: by one seed they would be asked the same.
    @hypothesis.seed(f"{seed} {operation.label}")
    @hypothesis.settings(max_examples=most, database=None, deadline=None,
                         phases=[hypothesis.Phase.generate],
                         suppress_health_check=list(hypothesis.HealthCheck))
    @hypothesis.given(operation.as_strategy(generation_mode=mode))
    def keep(case):
        found.append((mode, case))

    with suppress(Unsatisfiable, SkipTest):  # what takes no input cannot be asked wrongly
        keep()
    return found


def enumerated(schema, operation, mode, most, seed):
    """Cases at the limits of what the document says (its "coverage"), of every kind in turns."""
    kinds = defaultdict(list)
    for case in schema.iter_coverage_cases(
            operation, generation_modes=[mode],
            generation_config=schema.config.generation_for(operation=operation)):
        kinds[case.meta.phase.data.scenario].append((mode, case))
    for cases in kinds.values():
        random.Random(f"{seed} {operation.label}").shuffle(cases)
    return list(in_turns(kinds.values()))[:most]


def in_turns(lists):
    """One of each, then the next of each, until all have ended."""
    return (each for turn in zip_longest(*lists) for each in turn if each is not None)


def written(mode, case):
    """The request as it goes over the wire, without a length, a host, and what is random."""
    words = case.as_transport_kwargs(base_url=PLACE)
    request = requests.Request(**words).prepare()
    body = request.body or b""
    body = body.encode() if isinstance(body, str) else body
    headers = {text(name): text(value) for name, value in request.headers.items()}
    headers.pop("X-Schemathesis-TestCaseId", None)
    headers, body = bounded(headers, body)
    return {"mode": mode.value, "operation": case.operation.label, "says": reason(case),
            "method": request.method, "target": request.path_url,
            "headers": list(headers.items()), "body": base64.b64encode(body).decode()}


def bounded(headers, body):
    """The same with one boundary between the parts of every form, in place of a random one."""
    found = re.search("boundary=([0-9a-f]{32})$", headers.get("Content-Type", ""))
    if found is None:
        return headers, body
    old, new = found[1], "b" * 32
    media = headers["Content-Type"].replace(old, new)
    return {**headers, "Content-Type": media}, body.replace(old.encode(), new.encode())


def reason(case):
    """What the case is about, in schemathesis's words."""
    about = case.meta.phase.data
    return f"{case.meta.phase.name.value}: {getattr(about, 'scenario', '') or about.description}"


def text(word):
    return word.decode("latin-1") if isinstance(word, bytes) else str(word)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *map(int, sys.argv[4:5]))
