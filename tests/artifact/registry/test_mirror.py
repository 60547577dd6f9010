"""The mirror in MLflow, where it is installed; and what is said where it is not."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from tests.artifact.registry.test_registry import model

from wholefit.artifact.registry import Registry
from wholefit.artifact.registry.mirror import mirror
from wholefit.base.errors import MissingExtraError

HERE = importlib.util.find_spec("mlflow") is not None


@pytest.mark.skipif(HERE, reason="mlflow is installed: what is said without it cannot be seen")
def test_it_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(MissingExtraError, match="mlflow"):
        mirror(Registry(tmp_path / "r"), f"sqlite:///{tmp_path}/m.db")


@pytest.mark.skipif(not HERE, reason="mlflow is not installed: pip install mlflow-skinny")
def test_versions_and_the_champion_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.tracking import MlflowClient

    monkeypatch.chdir(tmp_path)
    registry = Registry(tmp_path / "r")
    for number in (1, 2):
        registry.add(model(tmp_path, number), "m")
    registry.promote("m", 1)
    uri = f"sqlite:///{tmp_path}/m.db"
    assert mirror(registry, uri) == 2 and mirror(registry, uri) == 0
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    champion = client.get_model_version_by_alias("m", "champion")
    assert champion.tags["wholefit.sha256"] == registry.version("m", 1).sha256
    assert client.get_run(champion.run_id).data.metrics["rmse.value"] == 1.5
    registry.promote("m", 2)
    mirror(registry, uri)
    champion = client.get_model_version_by_alias("m", "champion")
    assert champion.tags["wholefit.number"] == "2"
