"""`python -m benchmarks.weight`: what the core weighs, and how fast it wakes.

Makes a fresh environment, installs only the core, counts packages and megabytes, and times
`import wholefit` and `wholefit --help` against `python -c 'import numpy'`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import _tools

WHY = {
    "numpy": "arrays: every number in the house",
    "scipy": "sparse matrices, distributions, SVD; scikit-learn needs it",
    "scikit-learn": "the catalog's classical learners",
    "polars": "reading and holding tables; fastest reader measured (results/reading.md)",
    "polars-runtime-32": "polars' compiled half",
    "joblib": "needed by scikit-learn", "threadpoolctl": "needed by scikit-learn",
    "narwhals": "needed by scikit-learn",
    "typer": "the command line", "rich": "tables and progress in a terminal",
    "pydantic": "needed by typer", "pydantic_core": "needed by typer", "pygments": "needed by rich",
}


def main() -> None:
    root = Path(__file__).parent.parent
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "env"
        subprocess.run([sys.executable, "-m", "venv", bare], check=True)
        before = sizes(bare)
        python = str(bare / "bin" / "python")
        subprocess.run([python, "-m", "pip", "install", "-q", str(root)], check=True)
        found = {name: size for name, size in sizes(bare).items() if name not in before}
        ratios = times(python, str(bare / "bin" / "wholefit"))
        counted = modules(python)
    rows = [[name, f"{size:.1f}", WHY.get(name, "")] for name, size in
            sorted(found.items(), key=lambda pair: -pair[1])]
    _tools.save("weight", "\n".join([
        "# What the core weighs", "",
        f"`pip install wholefit` brings {len(found)} packages, {sum(found.values()):.0f} MB.", "",
        _tools.markdown(["package", "MB", "what it buys"], rows), "",
        f"`import wholefit` adds {counted} modules to the interpreter's own.", "",
        _tools.markdown(["command", "seconds (median of 15)", "ratio to import numpy"],
                        [[name, f"{t:.3f}", f"{t / ratios['import numpy']:.2f}"]
                         for name, t in ratios.items()]), "",
        _tools.machine(),
    ]))


def sizes(env: Path) -> dict[str, float]:
    """MB of each installed distribution, from its own record of files."""
    code = (
        "import importlib.metadata as m, os\n"
        "for d in m.distributions():\n"
        "    files = [d.locate_file(f) for f in d.files or []]\n"
        "    print(d.name, sum(os.path.getsize(f) for f in files if os.path.exists(f)) / 1e6)"
    )
    out = subprocess.run([str(env / "bin" / "python"), "-c", code], capture_output=True, text=True,
                         check=True).stdout
    return {line.split()[0].lower(): float(line.split()[1]) for line in out.splitlines()}


def times(python: str, command: str) -> dict[str, float]:
    """Median seconds of each, alternating."""
    commands = {
        "bare interpreter": [python, "-c", "pass"],
        "import numpy": [python, "-c", "import numpy"],
        "import wholefit": [python, "-c", "import wholefit"],
        "wholefit --help": [command, "--help"],
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(16):
        for name, each in commands.items():
            start = time.perf_counter()
            subprocess.run(each, check=True, capture_output=True)
            taken[name].append(time.perf_counter() - start)
    return {name: _tools.median(values[1:]) for name, values in taken.items()}


def modules(python: str) -> int:
    """Modules that importing wholefit adds."""
    code = "import sys; n = len(sys.modules); import wholefit; print(len(sys.modules) - n)"
    return int(subprocess.run([python, "-c", code], capture_output=True, text=True,
                              check=True).stdout)


if __name__ == "__main__":
    main()
