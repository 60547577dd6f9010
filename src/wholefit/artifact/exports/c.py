"""C99: one file that scores rows with nothing but the standard library."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from wholefit.artifact.exports import _c_run
from wholefit.artifact.exports._of_subject import chosen, filled, program_of, refused, sections
from wholefit.artifact.exports._program import Column, Program, Reg, Table, Words
from wholefit.artifact.exports._subject import Subject
from wholefit.base.errors import StateError

NAME, EXTENSION = "c", ".c"
SAID = "one file of C99 for devices and other languages: no library, no memory allocated"
TOLERANCE = 1e-6

_MOST = 64_000_000
_KINDS = {"number": "n", "truth": "b", "level": "c", "time": "t", "text": "w"}
_TYPES = {"f8": "double", "i4": "int32_t", "u1": "uint8_t"}


def write(fitted: Subject, path: Path) -> list[str]:
    """Write the file; says how much stack a row takes."""
    program = program_of(fitted, NAME, _MOST)
    with refused(NAME):
        text = source(program, path.name)
    path.write_text(text, encoding="ascii")
    stack = 8 * sum(register.width for register in program.registers)
    return [f"compile it with: cc -O2 -DWF_MAIN {path.name} -lm (a row takes {stack:,} bytes of "
            "stack)"]


def open(path: Path) -> _c_run.Compiled:
    """What answers from the file: it is compiled with the C compiler that is found."""
    return _c_run.Compiled(Path(path))


def source(program: Program, file: str) -> str:
    """The text of the C file."""
    parts = sections(("operations.c", "models.c", "kernels.c"), "/*")
    labels = [str(label) for label in program.classes]
    answers = program.answer.width
    facts = {
        "title": _comment(f"Answers of a fitted model of {program.task or 'a table'}."),
        "file": _comment(file), "columns": str(max(len(program.columns), 1)),
        "stack": str(8 * sum(register.width for register in program.registers)),
        "answers": str(answers),
        "meaning": "the probability of each label" if labels else "the predicted number",
        "enum": _enum(program), "data": _data(program), "program": _calls(program),
        "operations": chosen(parts, program.names),
        "labels_declared": f"extern const char *const wf_labels[{answers}];" if labels else "",
        "label_declared": "int wf_label(const double *answer);  /* the place of the label decided "
                          "for it */" if labels else "",
        "label_defined": _label(program) if labels else "",
    }
    facts["main"] = filled("main.c", {"header": _header(labels), "print": _print(labels)})
    return filled("frame.c", facts)


def quoted(text: str) -> str:
    """A C string of the text's UTF-8."""
    found = []
    for byte in text.encode("utf-8", errors="strict"):
        letter = chr(byte)
        plain = letter.isascii() and (letter.isalnum() or letter in " _-.,;:()[]{}<>=+*/@!#$%&'|~^")
        found.append(letter if plain else f"\\{byte:03o}")
    return '"' + "".join(found) + '"'


def number(value: float) -> str:
    """A C constant of exactly that value."""
    if value != value:
        return "NAN"
    if value in (float("inf"), float("-inf")):
        return "INFINITY" if value > 0 else "-INFINITY"
    return repr(float(value))


def _comment(text: str) -> str:
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in " ._-") else "_"
                   for letter in text)


def _enum(program: Program) -> str:
    """A constant for each column, named after it where that makes a name."""
    taken: set[str] = set()
    lines = []
    for at, cell in enumerate(program.columns):
        stem = "".join(letter.upper() if letter.isascii() and letter.isalnum() else "_"
                       for letter in cell.name).strip("_")[:60] or f"COLUMN_{at}"
        name = f"WF_COLUMN_{stem}"
        while name in taken:
            name += f"_{at}"
        taken.add(name)
        lines.append(f"  {name} = {at}")
    return "enum {\n" + ",\n".join(lines) + "\n};" if lines else ""


def _data(program: Program) -> str:
    cells = program.columns or []
    parts = [
        "const char *const wf_names[WF_COLUMNS] = {"
        + (", ".join(quoted(cell.name) for cell in cells) or '""') + "};",
        "const char wf_kinds[WF_COLUMNS] = {"
        + (", ".join(f"'{_KINDS[cell.kind]}'" for cell in cells) or "'n'") + "};",
        "#define WF_MOST_CLASSES " + str(max(program.answer.width, 2, *_sizes(program, "votes"))),
        "#define WF_MOST_NEAR " + str(max(2, *_neighbours(program))),
    ]
    if program.classes:
        names = ", ".join(quoted(str(label)) for label in program.classes)
        parts.append(f"const char *const wf_labels[{program.answer.width}] = {{{names}}};")
    used = {arg.at for op in program.ops for arg in op.args if isinstance(arg, Table)}
    parts += [_array(at, program.tables[at]) for at in sorted(used)]
    used = {arg.at for op in program.ops for arg in op.args if isinstance(arg, Words)}
    parts += [_words(at, program.words[at]) for at in sorted(used)]
    if "tfidf" in program.names:
        parts.append(_unicode())
    return "\n".join(parts) + "\n"


def _sizes(program: Program, name: str) -> list[int]:
    return [op.width for op in program.ops if op.name == name] or [2]


def _neighbours(program: Program) -> list[int]:
    return [int(op.args[3]) for op in program.ops if op.name == "nearest"] or [2]


def _array(at: int, table: np.ndarray) -> str:
    kind = _TYPES[table.dtype.str[1:]]
    if kind == "double":
        cells = [number(value) for value in table.tolist()]
    else:
        cells = [str(value) for value in table.tolist()]
    return f"static const {kind} wf_t{at}[{max(len(cells), 1)}] = {{{_folded(cells)}}};"


def _words(at: int, words: list[str]) -> str:
    if words != sorted(words) or any("\0" in word for word in words):
        raise StateError("a column's levels must be in order, and without NUL characters.")
    return (f"static const char *const wf_w{at}[{max(len(words), 1)}] = "
            f"{{{_folded([quoted(word) for word in words])}}};")


def _folded(cells: list[str]) -> str:
    """Cells side by side, in lines of at most a hundred letters."""
    lines, line = [], ""
    for cell in cells or ["0"]:
        if len(line) + len(cell) > 98:
            lines.append(line)
            line = ""
        line += cell + ", "
    return ("\n" if lines else "") + "\n".join([*lines, line.rstrip(", ")])


@cache
def _unicode() -> str:
    """Which characters are parts of words, and their small letters, as this Python has them."""
    inside = [at for at in range(0x110000) if chr(at).isalnum() or at == 95]
    runs: list[int] = []
    for at in inside:
        if runs and runs[-1] == at - 1:
            runs[-1] = at
        else:
            runs += [at, at]
    small = [each for at in range(0x110000) if len(chr(at).lower()) == 1 and chr(at).lower()
             != chr(at) for each in (at, ord(chr(at).lower()))]
    return "\n".join(
        f"static const int32_t {name}[] = {{{_folded([str(each) for each in values])}}};\n"
        f"static const int {count} = {len(values) // 2};"
        for name, count, values in (("wf_letters", "wf_letter_runs", runs),
                                    ("wf_small", "wf_small_count", small)))


def _calls(program: Program) -> str:
    lines = [f"  double r{register.at}[{max(register.width, 1)}];"
             for register in program.registers if _is_used(program, register)]
    for op in program.ops:
        given = ["row", f"r{op.out.at} + {op.start}", str(op.width),
                 *(_argument(program, arg) for arg in op.args)]
        lines.append(f"  wf_{op.name}({', '.join(given)});")
    lines.append(f"  memcpy(out, r{program.answer.at}, sizeof r{program.answer.at});")
    return "\n".join(lines)


def _is_used(program: Program, register: Reg) -> bool:
    return any(op.out.at == register.at for op in program.ops)


def _argument(program: Program, arg: Any) -> str:
    if isinstance(arg, Reg):
        return f"r{arg.at}, {arg.width}"
    if isinstance(arg, Table):
        return f"wf_t{arg.at}, {len(program.tables[arg.at])}"
    if isinstance(arg, Words):
        return f"wf_w{arg.at}, {len(program.words[arg.at])}"
    if isinstance(arg, Column):
        return str(arg.at)
    return str(arg) if isinstance(arg, int) else number(arg)


def _label(program: Program) -> str:
    rule, k = program.rule, program.answer.width
    lines = ["int wf_label(const double *answer) {"]
    if rule is not None and "threshold" in rule:
        yes = int(rule["positive"])
        lines.append(f"  return answer[{yes}] >= {number(rule['threshold'])} ? {yes} : {1 - yes};")
    elif rule is not None:
        cells = ", ".join(number(cell) for row in rule["costs"] for cell in row)
        lines += [f"  static const double cost[{k * k}] = {{{cells}}};", f"  double sum[{k}];",
                  "  int best = 0;",
                  f"  for (int j = 0; j < {k}; j++) {{", "    sum[j] = 0.0;",
                  f"    for (int i = 0; i < {k}; i++) sum[j] += answer[i] * cost[i * {k} + j];",
                  "    if (sum[j] < sum[best]) best = j;", "  }", "  return best;"]
    else:
        lines += ["  int best = 0;",
                  f"  for (int i = 1; i < {k}; i++) if (answer[i] > answer[best]) best = i;",
                  "  return best;"]
    return "\n".join([*lines, "}", ""])


def _header(labels: list[str]) -> str:
    names = ["prediction", *(f"p_{label}" for label in labels)] if labels else ["prediction"]
    cells = ['"' + name.replace('"', '""') + '"' for name in names]
    return f"  fputs({quoted(','.join(cells))[:-1]}\\n\", stdout);"


def _print(labels: list[str]) -> str:
    lines = []
    if labels:
        cells = ['"' + label.replace('"', '""') + '"' for label in labels]
        lines += [f"    static const char *const cells[] = {{{', '.join(map(quoted, cells))}}};",
                  "    fputs(cells[wf_label(out)], stdout);", "    putchar(',');"]
    lines.append("    for (int i = 0; i < WF_ANSWERS; i++) printf(\"%s%.17g\", i ? \",\" : \"\", "
                 "out[i]);\n    putchar('\\n');")
    return "\n".join(lines)
