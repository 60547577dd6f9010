"""How many axes a projection gets, and what they are called."""

from __future__ import annotations

from wholefit.models._model import Context

DEFAULT = 2

# Name of the model: what a column of coordinates is called, and what an axis is called in words.
NAMES = {
    "autoencoder_map": ("code", "code"), "denoising_autoencoder": ("code", "code"),
    "conv_autoencoder": ("code", "code"), "ica": ("ic", "independent component"),
    "incremental_pca": ("pc", "principal component"), "isomap": ("isomap", "Isomap axis"),
    "kernel_pca": ("kpc", "kernel component"), "lle": ("lle", "LLE axis"),
    "mds": ("mds", "MDS axis"), "nmf": ("part", "part"), "opentsne": ("tsne", "t-SNE axis"),
    "pca": ("pc", "principal component"), "random_projection": ("random", "random axis"),
    "sparse_pca": ("spc", "sparse component"), "truncated_svd": ("svd", "singular direction"),
    "tsne": ("tsne", "t-SNE axis"), "umap": ("umap", "UMAP axis"),
}
ORDERED = ("pca", "incremental_pca", "truncated_svd", "kernel_pca")
"""Those whose axes stand in order of what they hold."""
MAPS = ("isomap", "lle", "mds", "opentsne", "tsne", "umap")
"""Those that place rows by their neighbours: their axes have no meaning of their own."""


def axes_for(components: float | None, context: Context) -> int:
    """The whole number of axes: what was asked for, no more than rows and features allow."""
    wanted = DEFAULT if components is None else int(components)
    return max(1, min(wanted, context.features, context.rows))


def short(model: str) -> str:
    """ "pc" for PCA, whose columns are pc1, pc2, ..."""
    return NAMES.get(model, ("axis", "axis"))[0]


def spoken(model: str) -> str:
    """ "principal component" for PCA."""
    return NAMES.get(model, ("axis", "axis"))[1]
