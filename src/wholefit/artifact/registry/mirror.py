"""A mirror in MLflow, for those who look at models there. The registry decides, and is never told.

Each version becomes a version of a registered model of the same name: its file as an artifact of a
run, its facts as tags, its score as a metric, and the alias "champion" on the one that is served.
"""

from __future__ import annotations

import contextlib
import json
from typing import Any

from wholefit.artifact.registry._records import Version
from wholefit.artifact.registry.registry import Registry
from wholefit.base.errors import MissingExtraError, RegistryError
from wholefit.base.optional import need
from wholefit.base.wording import first_line

_MARK, _SERVED = "wholefit.sha256", "champion"
_LONGEST = 4_000


def mirror(registry: Registry, uri: str, *, files: bool = True) -> int:
    """Bring MLflow's registry at `uri` up to date; how many versions were new there.

    `uri` is MLflow's: a server's address, or a database such as sqlite:///mlflow.db. Without
    `files` only facts are shown. Versions that are there already, known by the checksum of their
    file, are left as they are; so the mirror may be brought up to date again and again. Raises
    RegistryError where MLflow refuses.
    """
    client = _mlflow("tracking").MlflowClient(tracking_uri=uri, registry_uri=uri)
    try:
        return sum(_model(client, registry, name, files) for name in registry.names())
    except _mlflow("exceptions").MlflowException as error:
        raise RegistryError(f"MLflow refused the mirror: {first_line(error)}.") from error


def _mlflow(part: str) -> Any:
    try:
        return need(f"mlflow.{part}", extra="track", user="the mirror of a registry")
    except MissingExtraError as error:
        raise MissingExtraError("the mirror of a registry needs mlflow, which is not installed or "
                                "fails to import: pip install mlflow-skinny sqlalchemy alembic"
                                ) from error


def _model(client: Any, registry: Registry, name: str, files: bool) -> int:
    """One model's versions, and which of them is served."""
    there = {each.tags.get(_MARK): each.version
             for each in client.search_model_versions(f"name = '{name}'")}
    if not any(each.name == name for each in client.search_registered_models(
            filter_string=f"name = '{name}'")):
        client.create_registered_model(name, description="kept by a registry of wholefit")
    new = [each for each in registry.versions(name) if each.sha256 not in there]
    for version in new:
        there[version.sha256] = _version(client, version, files)
    served = registry.served(name)
    if served is None:
        with contextlib.suppress(_mlflow("exceptions").MlflowException):
            client.delete_registered_model_alias(name, _SERVED)
    else:
        client.set_registered_model_alias(name, _SERVED, there[served.sha256])
    return len(new)


def _version(client: Any, version: Version, files: bool) -> str:
    """A run with the file and the score, and the version that points to it; its number there."""
    experiment = client.get_experiment_by_name(f"wholefit/{version.name}")
    where = client.create_experiment(f"wholefit/{version.name}") if experiment is None \
        else experiment.experiment_id
    run = client.create_run(where, run_name=f"{version.name} {version.number}")
    score = version.facts.get("score")
    if isinstance(score, dict):
        for key, value in score.items():
            if isinstance(value, (int, float)):
                client.log_metric(run.info.run_id, f"{version.facts.get('metric')}.{key}", value)
    if files:
        client.log_artifact(run.info.run_id, str(version.path))
    client.set_terminated(run.info.run_id)
    tags = {_MARK: version.sha256, "wholefit.number": str(version.number),
            "wholefit.parent": str(version.parent or ""),
            "wholefit.facts": json.dumps(version.facts)[:_LONGEST]}
    made = client.create_model_version(
        version.name, run.info.artifact_uri, run_id=run.info.run_id, tags=tags,
        description=f"version {version.number} of the registry")
    return str(made.version)
