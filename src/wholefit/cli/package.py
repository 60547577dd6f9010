"""`wholefit package`: a model file made ready for containers, clusters and clouds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wholefit.cli import _show
from wholefit.cli._app import command
from wholefit.cli._options import Force, Json, option
from wholefit.cli._progress import told
from wholefit.cli.use import Model


@command("package")
def package(
    model: Model,
    folder: Annotated[Path, typer.Argument(
        help="Folder to write to; for pipelines the root of a repository.", metavar="FOLDER")],
    to: Annotated[list[str], option(
        "docker, compose, kubernetes, kserve, sagemaker, vertex, azure, github or jenkins; may "
        "be repeated.", "TARGET")],
    name: Annotated[str | None, option(
        "Name of the model and its resources; the file's if left out.", "NAME")] = None,
    image: Annotated[str | None, option(
        "The image without a tag, such as registry.example.com/team/churn.", "IMAGE")] = None,
    base: Annotated[str | None, option(
        "The image that it is built on, with a tag or a digest.", "IMAGE")] = None,
    port: Annotated[int, option("Port in the container.", "PORT")] = 8080,
    memory: Annotated[str | None, option(
        "Memory to ask for, e.g. 512Mi; what was measured, raised, if left out.",
        "AMOUNT")] = None,
    cpu: Annotated[str, option("Cores to ask for, e.g. 250m or 2.", "AMOUNT")] = "250m",
    replicas: Annotated[int, option("Fewest pods or instances.", "N")] = 2,
    most: Annotated[int, option("Most pods or instances.", "N")] = 10,
    hashes: Annotated[bool, typer.Option(
        "--hashes", help="Ask the registry for the hashes of every package, and hold the image "
        "to them.")] = False,
    keys: Annotated[bool, typer.Option(
        "--keys", help="Let only callers with an API key ask (`wholefit keys` makes them)."),
        ] = False,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Write all that runs a model elsewhere: images, manifests, cloud bundles, pipelines.

    wholefit package m.wf deploy --to kubernetes --image registry.example.com/team/churn
    """
    from wholefit.api.packaging import package as packaged

    with told(as_json):
        found = packaged(model, folder, to=to, name=name, image=image, base=base, port=port,
                         memory=memory, cpu=cpu, replicas=replicas, most=most, hashes=hashes,
                         keys=keys, force=force)
    if as_json:
        _show.as_json(found.to_json())
        return
    for sentence in found.said:
        _show.say(_show.wrapped(sentence))
    _show.say()
    _show.table(["file", "bytes"], [[each, f"{size:,}"] for each, size in found.files.items()])
    for target, lines in found.commands.items():
        _show.say()
        _show.say(f"{target}, in {found.folder}:")
        for line in lines:
            _show.say(f"  {line}")
