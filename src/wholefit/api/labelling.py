"""`wf.label`, `wf.agreement`, `wf.labelled`, `wf.label_errors`: labels made, joined and doubted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wholefit import data
from wholefit.api import _answers
from wholefit.base.cores import cores
from wholefit.base.errors import DataError, ParameterError
from wholefit.base.events import emit
from wholefit.data.labels import Items, Store, items_of

if TYPE_CHECKING:
    from wholefit.evaluation.agreement import Agreement
    from wholefit.training.label_errors import LabelErrors
    from wholefit.training.labelled import Labelled
    from wholefit.training.labelling import Session


def label(
    source: Any,
    *,
    column: str | Sequence[str] | None = None,
    classes: Sequence[str] | str | None = None,
    store: str | Path,
    order: str = "uncertain",
    strategy: str = "margin",
    random_share: float = 0.2,
    overlap: float = 1.0,
    again: bool = False,
    model: Any = None,
    guide: str | None = None,
    ordered: bool | None = None,
    id: str | None = None,
    images: bool = False,
    seed: int = 0,
    background: bool = True,
    **reading: Any,
) -> Session:
    """Open a labelling session over the journal `store`: begun, or gone on with.

    >>> with wf.label("texts.csv", column="text", classes="spam,ham",
    ...               store="labels.jsonl") as session:         # doctest: +SKIP
    ...     question = session.next("ann")
    ...     session.answer("ann", question.key, "ham")

    Parameters
    ----------
    source: as for `wf.read`.
    column: what is shown: one column of text (or, with `images`, of paths of pictures in the
        folder of `source`), or several, shown as a row.
    classes: at least two; those of the journal if left out. `ordered` says their order means
        something, for the agreement.
    store: the journal, a .jsonl file; every answer is on the disk before the next question.
    order: "uncertain" asks first what a model that learns meanwhile is least sure of (by
        `strategy`: "margin", "least_confident", "entropy"), but for `random_share` of the
        questions; "random"; or "as-is".
    overlap: share of the items that every annotator is asked; the rest are asked of one.
    again: ask what was skipped in earlier sessions once more.
    model: what guesses, a name or Model; "none" for no guesses; a logistic regression on words
        (or on the columns) if left out. Pictures have no guesses.
    guide: the instructions, kept with the labels.
    id: a column of identifiers, if rows that show the same are different things.
    background: learn beside the labelling; False learns between questions (whenever there are
        a tenth more labels), so that a script asks the same questions each time.
    reading: options of `wf.read`.

    Raises DataError if the journal is of other data, is damaged, or another session writes it.
    """
    from wholefit.training.labelling import Options, Session

    options = Options(order=order, strategy=strategy, random_share=random_share,
                      overlap=overlap, again=again, seed=seed)
    items = items_from(source, column, id=id, images=images, store=store, reading=reading)
    learner = _learner(items, model, classes, store, seed)
    kept = Store.open(store, items, classes=_listed(classes), ordered=ordered, guide=guide, id=id)
    for note in (*items.notes, *kept.notes):
        emit("note", kind=note.kind, message=note.message, severity=note.severity)
    if learner is not None:
        learner.classes = len(kept.classes)
    return Session(items, kept, options, learner=learner, background=background)


def agreement(*stores: str | Path) -> Agreement:
    """How far the annotators of one or several journals agree, with intervals over items."""
    from wholefit.training.labelled import agreement_of

    return agreement_of(_read(stores))


def labelled(
    source: Any, *stores: str | Path, consensus: str = "majority", **reading: Any
) -> Labelled:
    """The rows of `source` with one label each, out of one or several journals, and a sheet.

    `consensus` "majority" or "dawid-skene". `frame` has every row, in order, with `label`,
    `label_from`, `label_share` and `annotators`; `sheet` says in Markdown who labelled what
    when, and how far they agree.
    """
    from wholefit.training.labelled import labelled as make

    read = _read(stores)
    header = read[0].header
    items = items_from(source, header["columns"], id=header.get("id"),
                       images=header["kind"] == "image", store=stores[0], reading=reading)
    return make(items, read, consensus=consensus)


def label_errors(
    source: Any,
    *,
    target: str | None = None,
    task: str | None = None,
    models: Any = None,
    folds: int = 5,
    repeats: int = 1,
    seed: int = 0,
    jobs: int | None = None,
    score: str = "normalised_margin",
    roles: Any = None,
    groups: str | None = None,
    **reading: Any,
) -> LabelErrors:
    """Rows whose target is probably wrong, most suspect first, by out-of-fold answers.

    Classes by confident learning (Northcutt et al. 2021), numbers by residuals on the scale of
    their neighbours. `models` make the answers, cross-validated, and their mean is taken: a
    linear model and a forest if left out. `score` ranks classes: "normalised_margin" or
    "self_confidence". Other words are those of `wf.fit`.

    Gives LabelErrors: `ranked()` is the list, `noise` the share of wrong labels, `len()` the
    number of rows to read. A rare but true row looks like a wrong one: read before you mend.
    """
    from wholefit import models as catalog
    from wholefit.api.fitting import choose_task
    from wholefit.training import label_errors as finding

    _answers.check_options(reading)
    named = catalog.split_list(models) if isinstance(models, str) else models
    named = None if named is None else [catalog.make(model) for model in (
        named if isinstance(named, (list, tuple)) else [named])]
    dataset = data.load(source, target=target, roles=roles, groups=groups, **reading)
    if dataset.schema.target is None:
        raise DataError("label_errors needs to know which column holds the labels: say target= "
                        "(--target on the command line).")
    chosen, said = choose_task(dataset, dataset.schema.target, task)
    emit("read", source=dataset.source, rows=len(dataset), columns=dataset.frame.width, said=said,
         seconds=0.0)
    for note in dataset.notes:
        emit("note", kind=note.kind, message=note.message, severity=note.severity)
    return finding.label_errors(
        dataset, chosen, models=named, folds=folds, repeats=repeats, seed=seed,
        jobs=cores() if jobs is None else jobs, score=score)


def items_from(
    source: Any, column: str | Sequence[str] | None, *, id: str | None, images: bool,
    store: str | Path, reading: dict[str, Any],
) -> Items:
    """The items of a source; the journal knows the columns where they are left out."""
    from wholefit.data.labels import header_of

    _answers.check_options(reading)
    header = header_of(store) or {}
    columns = header.get("columns") if column is None else column
    columns = [columns] if isinstance(columns, str) else list(columns or ())
    if not columns:
        raise ParameterError("say which columns to show: --column text (column='text').")
    id = header.get("id") if id is None else id
    # Cells are kept as they are written: what 007 is read as must not change an item's key.
    text = dict.fromkeys([*columns, *([id] if id else [])], "text")
    path = Path(source) if isinstance(source, (str, Path)) else None
    options: dict[str, Any] = {**({"dtypes": text} if path is not None else {}), **reading}
    table = data.read(source, **options)
    images = images or header.get("kind") == "image"
    folder = path.absolute().parent if path is not None else Path.cwd()
    return items_of(table.frame, columns, source=table.source, id=id, images=images,
                    folder=folder)


def _learner(
    items: Items, model: Any, classes: Any, store: str | Path, seed: int
) -> Any:
    from wholefit.training.prelabels import MODEL, Learner

    if items.kind == "image" or model == "none":
        return None
    return Learner(items.distinct(), len(_listed(classes) or ()), model=model or MODEL, seed=seed)


def _listed(classes: Sequence[str] | str | None) -> list[str] | None:
    return classes.split(",") if isinstance(classes, str) else None if classes is None else list(
        classes)


def _read(stores: Sequence[str | Path]) -> list[Store]:
    if not stores:
        raise ParameterError("name at least one journal of labels (a .jsonl file).")
    return [Store.read(path) for path in stores]
