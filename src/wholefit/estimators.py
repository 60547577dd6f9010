"""wholefit's learners as scikit-learn estimators, for pipelines and searches of your own.

    from wholefit.estimators import NetworkClassifier, CatalogMap, CatalogGenerator

    NetworkClassifier({"network": "tabm", "members": 8}, {"epochs": 30}).fit(X, y)
    CatalogMap("umap(components=2)").fit_transform(X)
    CatalogGenerator("sequential_trees").fit(X).sample(100)

`NetworkClassifier` and `NetworkRegressor` train any network of wholefit; `CatalogMap`,
`CatalogClusters`, `CatalogDetector` and `CatalogGenerator` fit any family of the catalog that
learns without a target. They take matrices, as scikit-learn's own do, and scale nothing but what
networks scale inside: put a scaler before them in a pipeline. A fitted classifier or regressor,
alone or at the end of a pipeline, is saved without pickling by `wf.adopt(made, rows, target)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wholefit.base.later import later

if TYPE_CHECKING:
    from wholefit.models._citizens.kinds import (
        CatalogClusters,
        CatalogDetector,
        CatalogGenerator,
        CatalogMap,
    )
    from wholefit.models._networks import NetworkClassifier, NetworkRegressor

__all__ = ["CatalogClusters", "CatalogDetector", "CatalogGenerator", "CatalogMap",
           "NetworkClassifier", "NetworkRegressor"]

__getattr__, __dir__ = later(__name__, {
    **dict.fromkeys(("CatalogClusters", "CatalogDetector", "CatalogGenerator", "CatalogMap"),
                    "wholefit.models._citizens.kinds"),
    **dict.fromkeys(("NetworkClassifier", "NetworkRegressor"), "wholefit.models._networks")})
