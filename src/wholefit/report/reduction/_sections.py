"""The report of a reduction: what was kept, the map, what the axes mean, what not to read into it.

The page has no script; `_page` writes another, to walk about in.
"""

from __future__ import annotations

from typing import Any

from wholefit.report._html import Html, bullets, data, el, join, table
from wholefit.report.reduction._pictures import axis_label, percent, scatter, scree
from wholefit.report.sections import Section
from wholefit.training.found import Found

TITLES = {
    "pca": "PCA", "incremental_pca": "Incremental PCA", "sparse_pca": "Sparse PCA",
    "truncated_svd": "Truncated SVD", "nmf": "NMF", "ica": "ICA", "kernel_pca": "Kernel PCA",
    "umap": "UMAP", "tsne": "t-SNE", "opentsne": "t-SNE (openTSNE)", "mds": "MDS", "lle": "LLE",
    "isomap": "Isomap", "autoencoder_map": "Autoencoder",
    "denoising_autoencoder": "Denoising autoencoder",
    "conv_autoencoder": "Autoencoder of pictures",
    "random_projection": "Random projection",
}
_MOST = 12


def sections(found: Found) -> tuple[Section, ...]:
    """What this task's page has before the frame that all share."""
    return (
        Section("answer", "What was found", _answer),
        Section("map", "The map", _map),
        Section("axes", "What the axes mean", _axes),
        Section("noise", "How many axes stand above noise", _noise),
        Section("cautions", "What not to read into it", _cautions),
    )


def lines(found: Found) -> list[str]:
    """The same in plain sentences."""
    told = found.told
    out = [f"{found.said[:1].upper()}{found.said[1:]}", *told["board"], *_noise_said(told)]
    for axis in told["axes"][:_MOST]:
        out.append(f"{axis_label(axis)}: {axis['words']}.")
    if len(told["axes"]) > _MOST:
        out.append(f"And {len(told['axes']) - _MOST} more axes (loadings has them all).")
    out += _laid_out(told)
    return [*out, *_warned(told)]


def title_of(found: Found) -> str:
    """ "PCA of iris.csv: 150 rows"; the title of every scatter."""
    name = found.model["name"]
    shown = len(found.told["points"]["rows"])
    of = found.lineage.get("rows")
    part = f"{shown:,} of {of:,} rows" if isinstance(of, int) and of > shown else f"{shown:,} rows"
    return f"{TITLES.get(name, name)} result: {part}"


def _answer(found: Found) -> Html:
    told = found.told
    first, *rest = [*told["board"], *_noise_said(told), *_laid_out(told)] or [found.said]
    return join([el("p", data(first, 900), cls="lead"),
                 bullets(data(line, 900) for line in rest) if rest else None])


def _map(found: Found) -> Html | None:
    told = found.told
    if not told["points"]["places"]:
        return None
    return join([scatter(told["points"], told["axes"], title_of(found)),
                 el("p", "Rest on a point to read its row. For a page to zoom in and to colour "
                    "by any column, call result.map('map.html', data).", cls="small")])


def _axes(found: Found) -> Html:
    told = found.told
    noise = told["noise"]
    rows = []
    for at, axis in enumerate(told["axes"][:40]):
        limit = noise["limit"][at] if at < len(noise["limit"]) else None
        rows.append([axis["label"], _percent(axis["share"]),
                     _percent(limit if axis["share"] is not None else None),
                     data(axis["words"], 500)])
    more = len(told["axes"]) - len(rows)
    return join([
        el("p", "Numbers in brackets are correlations of a feature with the axis; features whose "
           "correlation stays below 0.3 are not named."),
        table(["axis", "share of variance", "by chance", "rises with, against falls with"], rows,
              "What each axis says", numbers=(1, 2), cls="findings"),
        el("p", f"And {more:,} more axes.", cls="small") if more > 0 else None])


def _noise(found: Found) -> Html | None:
    told = found.told
    return join([*(el("p", data(line, 600)) for line in _noise_said(told)),
                 scree(told["noise"])])


def _noise_said(told: dict[str, Any]) -> list[str]:
    noise = told["noise"]
    if noise["above"] is None:
        return [f"How many axes stand above noise was not tested: {noise['why']}."]
    said = []
    first = noise["share"][0]
    if noise["above"] == 0:
        said.append(f"No axis stands out: the first holds {percent(first)} of the variance, and "
                    f"shuffled columns reach {percent(noise['limit'][0])} (p = {noise['p']:.2g}). "
                    "These columns vary each by itself.")
    else:
        held = sum(noise["share"][:noise["above"]])
        some = noise["above"]
        more = " or more" if some >= len(noise["share"]) else ""
        said.append(f"{some}{more} principal {'axis stands' if some == 1 else 'axes stand'} "
                    f"above noise and hold{'s' if some == 1 else ''} {percent(held)} of the "
                    f"variance (parallel analysis, {noise['draws']} shuffled tables).")
    if noise["keeps"]:
        said.append("Of principal axes it takes " + ", ".join(
            f"{count} for {percent}%" for percent, count in noise["keeps"])
            + " of the variance.")
    return said


def _laid_out(told: dict[str, Any]) -> list[str]:
    if not told["laid_out_by"]:
        return []
    named = ", ".join(f"{name} ({percent(share)})" for name, share in told["laid_out_by"])
    return [f"What changes smoothly across the map, with how much of it a row's neighbours tell: "
            f"{named}."]


def _warned(told: dict[str, Any]) -> list[str]:
    if not told["is_map"]:
        return []
    return ["Read the map by who is near whom: its axes, the distances between far groups and "
            "the sizes of groups have no meaning of their own."]


def _cautions(found: Found) -> Html:
    told = found.told
    said = list(_warned(told))
    if told["is_map"]:
        said.append("Other seeds and other numbers of neighbours give other maps; believe a group "
                    "that shows in several.")
    else:
        said.append("Axes are directions of the columns that were given: a column left out, or "
                    "given twice, turns them.")
    if not told["takes_new_rows"]:
        said.append(f"{found.model['name']} has no place for new rows: transform refuses them.")
    if told["noise"]["above"] == 0:
        said.append("No axis stands above noise here: groups that seem to show are chance.")
    return bullets(said)


def _percent(share: float | None) -> str:
    return "–" if share is None else percent(share)
