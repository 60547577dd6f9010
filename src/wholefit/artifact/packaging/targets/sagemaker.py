"""Amazon SageMaker: an image that answers its routes, the model apart, and an endpoint."""

from __future__ import annotations

import gzip
import io
import tarfile

from wholefit.artifact.packaging._fill import filled
from wholefit.artifact.packaging.plan import Plan
from wholefit.artifact.packaging.targets import Files

NAME = "sagemaker"
SAID = "an image, a model archive and an endpoint for Amazon SageMaker"
NEEDS = ("docker",)


def files(plan: Plan, model: bytes) -> Files:
    """The image's other clothes, the model's archive, and what the CLI is given."""
    words = plan.words()
    found: Files = {f"sagemaker/{name}": filled(f"sagemaker/{name}", words) for name in (
        "Dockerfile", "model.json", "endpoint-config.json", "deployment-config.json", "deploy.sh")}
    return {**found, "sagemaker/model.tar.gz": archive({f"{plan.name}.wf": model})}


def archive(members: dict[str, bytes]) -> bytes:
    """A gzipped tar of files; equal contents give equal bytes."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in sorted(members.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o644
            tar.addfile(entry, io.BytesIO(data))
    return gzip.compress(packed.getvalue(), mtime=0)


def commands(plan: Plan) -> list[str]:
    """Build both images, push the second, deploy."""
    image = f"{plan.image}:{plan.tag}"
    return [f"docker build --tag {image} .",
            f"docker build --tag {image}-sagemaker sagemaker",
            f"docker push {image}-sagemaker",
            f"ROLE_ARN=... BUCKET=... IMAGE_URI={image}-sagemaker sh sagemaker/deploy.sh"]
