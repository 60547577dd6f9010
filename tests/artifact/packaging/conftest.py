"""One bundle of every target, made once of a small model, and the files in it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from wholefit.api import packaging
from wholefit.api.packaging import Packaged, package
from wholefit.artifact.packaging import Trial, known

MUSEUM = Path(__file__).parents[1] / "museum"
MODEL = MUSEUM / "logistic-classification-0.1.wf"
BOOSTED = MUSEUM / "lightgbm-classification-0.1.wf"
TRIAL = Trial(True, peak=150 * 2**20, seconds=1.0)
IMAGE = "registry.example.com/team/churn"


@dataclass
class Bundle:
    """A bundle on the disk."""

    done: Packaged

    def text(self, name: str) -> str:
        """One file of it."""
        return (self.done.folder / name).read_text(encoding="utf-8")

    def yaml(self, name: str) -> Any:
        """One file of it, parsed."""
        return pytest.importorskip("yaml").safe_load(self.text(name))

    def json(self, name: str) -> Any:
        """One file of it, parsed."""
        return json.loads(self.text(name))

    def matching(self, ending: str) -> list[str]:
        """Names of its files of that ending."""
        return [name for name in self.done.files if name.endswith(ending)]


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Every target, of a model that needs no library of its own."""
    folder = tmp_path_factory.mktemp("bundle") / "deploy"
    return Bundle(package(MODEL, folder, to=list(known()), name="churn", image=IMAGE))


@pytest.fixture(scope="session")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A model that needs LightGBM, with API keys."""
    pytest.importorskip("lightgbm")
    folder = tmp_path_factory.mktemp("keyed") / "deploy"
    with pytest.MonkeyPatch.context() as patched:  # the other bundle tries for both
        patched.setattr(packaging, "trial", lambda path, modules, row: TRIAL)
        return Bundle(package(BOOSTED, folder, to=["compose", "kubernetes"], name="risk",
                              keys=True))
