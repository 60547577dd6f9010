"""In a terminal: a bar, colours, Ctrl-C. In a pipe: none of it. In a log: plain lines."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import wholefit as wf

from .conftest import CHEAP, environment, process

pty = pytest.importorskip("pty", reason="pseudo-terminals are of Unix only")

SLOW = '''
import time
from sklearn.linear_model import LogisticRegression

class Slow(LogisticRegression):
    def fit(self, X, y, sample_weight=None):
        print("fitting", flush=True)
        time.sleep(60)
        return super().fit(X, y)

class SlowAtLast(LogisticRegression):
    def fit(self, X, y, sample_weight=None):
        if len(y) == 400:
            print("fitting all", flush=True)
            time.sleep(60)
        return super().fit(X, y)
'''


def in_terminal(argv: list[str], cwd: Path, width: int = 120, **more: str) -> tuple[int, str]:
    """Run in a pseudo-terminal that is stdin, stdout and stderr; gives code and all it showed."""
    pid, screen = pty.fork()
    if pid == 0:
        os.chdir(cwd)
        words = [sys.executable, "-m", "wholefit", *argv]
        os.execve(sys.executable, words, environment(COLUMNS=str(width), **more))
    shown = b""
    while True:
        try:
            block = os.read(screen, 65536)
        except OSError:
            break
        if not block:
            break
        shown += block
    _, status = os.waitpid(pid, 0)
    os.close(screen)
    return os.waitstatus_to_exitcode(status), shown.decode().replace("\r\n", "\n")


def test_a_bar_and_colours_in_a_terminal(room: Path, tmp_path: Path) -> None:
    argv = ["fit", str(room / "churn.csv"), "--target", "churn", *CHEAP]
    code, shown = in_terminal(argv, tmp_path)
    assert code == 0
    assert "━" in shown and "of at most 300s" in shown and "\x1b[" in shown
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert "churn.csv: 400 rows x 21 columns" in plain and "saved churn.wf" in plain


def test_no_color_takes_the_colours_away(room: Path, tmp_path: Path) -> None:
    argv = ["fit", str(room / "churn.csv"), "--target", "churn", *CHEAP]
    code, shown = in_terminal(argv, tmp_path, NO_COLOR="1")
    assert code == 0 and "recommended" in shown
    assert not re.search(r"\x1b\[[0-9;]*3[0-9](;[0-9]+)*m", shown)


def test_quiet_shows_no_bar(room: Path, tmp_path: Path) -> None:
    argv = ["fit", str(room / "churn.csv"), "--target", "churn", *CHEAP, "--quiet"]
    code, shown = in_terminal(argv, tmp_path)
    assert code == 0 and "━" not in shown and "next:" not in shown


@pytest.mark.parametrize("argv", [
    ["models"], ["models", "random_forest"], ["evaluate", "churn.wf", "new.csv"],
    ["profile", "churn.csv"]])
def test_tables_fit_the_terminal(room: Path, argv: list[str]) -> None:
    code, shown = in_terminal(argv, room, width=80)
    assert code == 0
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    prose = ("note", "column '", "A str", "wholefit models")
    table = [line for line in plain.splitlines() if not line.startswith(prose)]
    assert max(len(line.rstrip()) for line in table) <= 80


def test_a_bar_does_not_swallow_what_goes_to_a_pipe(room: Path, tmp_path: Path) -> None:
    """Only standard error is the terminal: the text must still arrive in the file."""
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "wholefit", "fit", str(room / "churn.csv"), "--target", "churn"]
    with open(tmp_path / "out.txt", "wb") as out:
        done = subprocess.Popen([*words, *CHEAP], stdout=out, stderr=theirs, cwd=tmp_path,
                                env=environment())
        os.close(theirs)
        shown = b""
        while done.poll() is None or select.select([ours], [], [], 0)[0]:
            try:
                shown += os.read(ours, 65536)
            except OSError:
                break
    done.wait(60)
    os.close(ours)
    text = (tmp_path / "out.txt").read_text()
    assert done.returncode == 0 and "━" in shown.decode()
    assert "churn.csv: 400 rows" in text and "models: dummy, logistic" in text
    assert "\x1b" not in text


def test_a_log_gets_plain_lines(room: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "wholefit", "fit", str(room / "churn.csv"), "--target", "churn"]
    with open(tmp_path / "log.txt", "wb") as log:
        subprocess.run([*words, *CHEAP], stdout=subprocess.PIPE, stderr=log, cwd=tmp_path,
                       env=environment(), check=True)
    lines = (tmp_path / "log.txt").read_text().splitlines()
    assert [line.split(":")[0] for line in lines] == ["dummy", "logistic", lines[2].split(":")[0]]
    assert re.fullmatch(r"dummy: 5 folds in \d+\.\d s", lines[0])
    assert re.fullmatch(r"\w+: fitted on all rows in \d+\.\d s", lines[2])


def interrupted(
    room: Path, cwd: Path, models: str, *signs: str
) -> subprocess.CompletedProcess[str]:
    """Fit slow models, and press Ctrl-C each time that one says the next of `signs`."""
    (cwd / "slow.py").write_text(SLOW)
    words = [sys.executable, "-m", "wholefit", "fit", str(room / "churn.csv"), "--target", "churn",
             "--models", models, "--jobs", "1", "--choose", "best", "--out", "m.wf"]
    going = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             cwd=cwd, env=environment())
    assert going.stdout is not None
    before, left = "", list(signs)
    for line in going.stdout:
        before += line
        if line.strip() == left[0]:
            left.pop(0)
            time.sleep(0.2)
            going.send_signal(signal.SIGINT)
        if not left:
            break
    out, err = going.communicate(timeout=50)
    return subprocess.CompletedProcess(words, going.returncode, before + out, err)


def test_ctrl_c_keeps_the_best_so_far(room: Path, tmp_path: Path) -> None:
    done = interrupted(room, tmp_path, "dummy, logistic, slow:Slow", "fitting")
    assert done.returncode == 0 and "Traceback" not in done.stderr
    assert "interrupted during Slow: keeping dummy, logistic" in done.stderr
    assert "stopped: interrupted" in done.stdout and "saved m.wf" in done.stdout
    assert wf.load(tmp_path / "m.wf").model == "logistic"


def test_ctrl_c_before_anything_is_finished(room: Path, tmp_path: Path) -> None:
    (tmp_path / "first.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    done = process("fit", str(room / "churn.csv"), "--target", "churn", "--models",
                   "first:Model", cwd=tmp_path)
    assert done.code == 130 and "Traceback" not in done.err
    assert done.err == "interrupted: nothing was finished, and nothing is saved.\n"
    assert not list(tmp_path.glob("*.wf"))


def test_ctrl_c_during_the_last_fit_takes_a_quicker_model(room: Path, tmp_path: Path) -> None:
    done = interrupted(room, tmp_path, "dummy, slow:SlowAtLast", "fitting all")
    assert done.returncode == 0 and "Traceback" not in done.stderr
    assert "SlowAtLast could not be fitted on all rows (interrupted)" in done.stderr
    assert "a model below it on the leaderboard answers instead" in done.stdout
    assert wf.load(tmp_path / "m.wf").model == "dummy"


def test_a_second_ctrl_c_leaves(room: Path, tmp_path: Path) -> None:
    """The first ends the search; the second ends the fit on all rows that follows it."""
    done = interrupted(room, tmp_path, "dummy, slow:SlowAtLast, slow:Slow", "fitting",
                       "fitting all")
    assert done.returncode == 130 and "Traceback" not in done.stderr
    assert "keeping dummy, SlowAtLast (Ctrl-C again leaves with nothing)" in done.stderr
    assert "nothing is saved" in done.stderr and not (tmp_path / "m.wf").exists()


@pytest.mark.parametrize("argv", [
    ["predict", "churn.wf", "long.csv"], ["profile", "churn.csv"], ["models"]])
def test_a_reader_that_goes_away_is_no_error(room: Path, argv: list[str]) -> None:
    lines = (room / "new.csv").read_text().splitlines(keepends=True)
    (room / "long.csv").write_text(lines[0] + "".join(lines[1:]) * 100)
    line = " ".join([sys.executable, "-m", "wholefit", *argv, "| head -1"])
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {line}"], capture_output=True,
                          text=True, cwd=room, env=environment(), timeout=60, check=False)
    assert done.returncode == 0 and done.stderr == ""
    assert len(done.stdout.splitlines()) == 1


def test_a_full_disk_and_closed_streams_are_no_faults(room: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    words = f"{sys.executable} -m wholefit predict churn.wf new.csv"
    done = subprocess.run(["bash", "-c", f"{words} > /dev/full"], capture_output=True, text=True,
                          cwd=room, env=environment(), check=False)
    assert done.returncode == 1 and done.stderr == "error: No space left on device.\n"
    done = subprocess.run(["bash", "-c", f"{words} >&- 2>&-"], cwd=room, env=environment(),
                          check=False)
    assert done.returncode == 0


def test_letters_that_the_terminal_lacks(room: Path, tmp_path: Path) -> None:
    rows = "".join(f"{i % 2},{'Ё☃'[i % 2]}\n" for i in range(40))
    (tmp_path / "t.csv").write_text("x,y\n" + rows, encoding="utf-8")
    ascii_only = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = process("fit", "t.csv", "--target", "y", *CHEAP, cwd=tmp_path, **ascii_only)
    assert done.code == 0
    done = process("predict", "t.wf", "t.csv", cwd=tmp_path, **ascii_only)
    assert done.code == 0 and "p_Ё" in done.out  # a file is UTF-8, whatever the terminal
