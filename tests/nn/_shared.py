"""One of the processes of a shared training: `torchrun _shared.py OUT` or alone."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch
from torch import nn

from wholefit.nn import Recipe, parallel, weights

torch.manual_seed(0)
module = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
draw = torch.Generator().manual_seed(1)
x, y = torch.randn(99, 4, generator=draw), torch.randint(0, 3, (99,), generator=draw)
recipe = Recipe(epochs=4, batch=16, optimizer="momentum", rate=0.1, clip=1.0, device="cpu")
fit = parallel.train(module, (x, y), recipe, valid=(x, y), weights=torch.arange(99) % 3 + 1.0)
Path(f"{sys.argv[1]}-{os.environ.get('RANK', 'alone')}").write_bytes(weights.to_bytes(fit.module))
