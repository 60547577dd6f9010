"""Two processes make the weights of one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from wholefit.base.budget import Budget, Clock
from wholefit.base.errors import ParameterError
from wholefit.nn import Recipe, parallel, weights

PROGRAM = str(Path(__file__).with_name("_shared.py"))


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))


def test_two_processes_make_the_weights_of_one(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port,
              "GLOO_SOCKET_IFNAME": "lo"}
    started = [subprocess.Popen([sys.executable, PROGRAM, str(tmp_path / "w")],
                                env={**os.environ, **shared, "RANK": str(rank)})
               for rank in range(2)]
    assert [process.wait(timeout=200) for process in started] == [0, 0]
    subprocess.run([sys.executable, PROGRAM, str(tmp_path / "w")], check=True)
    first, second, alone = (weights.from_bytes(network(), (tmp_path / f"w-{name}").read_bytes())
                            for name in ("0", "1", "alone"))
    assert all(map(torch.equal, first.parameters(), second.parameters()))
    for mine, theirs in zip(first.parameters(), alone.parameters(), strict=True):
        assert torch.allclose(mine, theirs, atol=1e-5)


def test_a_limit_of_time_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ParameterError, match="no limit of time"):
        parallel.train(network(), (torch.ones(2, 4), torch.ones(2)), Recipe(),
                       clock=Clock(Budget(seconds=1)))
