"""Result: what a fit gives and a file gives back. Each method is one call to another room."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from wholefit import artifact
from wholefit.api import _answers, _record
from wholefit.api.told import Told
from wholefit.api.understanding import Understood
from wholefit.artifact import opening
from wholefit.base import tasks
from wholefit.data import Dataset
from wholefit.evaluation import Score
from wholefit.training import Fitted, Run

if TYPE_CHECKING:
    from wholefit.api.compressing import Compressed
    from wholefit.api.distilling import Distilled
    from wholefit.api.ejecting import Ejected
    from wholefit.api.replaying import Replayed
    from wholefit.api.streaming import Answered
    from wholefit.artifact.exports import Exported
    from wholefit.evaluation.slices import Slices
    from wholefit.training.label_errors import LabelErrors


class Result(Told, Understood):
    """A fitted model with its schema, scores, leaderboard and lineage.

    Verbs that only some tasks have (`predict_proba` of classification) exist only where the
    task has them. Answers have one row for each row asked, in order, with identifier columns
    kept, in the frame type of the question.
    """

    def __init__(self, fitted: Fitted, facts: _record.Facts, run: Run | None = None) -> None:
        self._fitted, self._facts, self._run = fitted, facts, run

    @classmethod
    def _of_run(cls, run: Run, said: str, dataset: Dataset) -> Result:
        return cls(run.fitted, _record.of_run(run, said, dataset), run)

    # What it does

    def predict(self, new: Any, **options: Any) -> Any:
        """Identifier columns and a `prediction` for each row of `new`.

        `options`: policies (missing_column, extra_column, unseen_category, wrong_type, swapped;
        see `wholefit.data.Policies`) and options of `wf.read` (delimiter, na_values, ...).
        Raises SchemaError when `new` does not fit.
        """
        return _answers.answer(self._fitted, new, ["predict"], options)

    def answers(self, new: Any, **options: Any) -> Any:
        """All that the task's verbs say of each row, side by side in one frame.

        With `level=0.9`, also the interval of a number or the set of classes that may be true;
        with `least=0.8`, no prediction where the model is less sure than that.
        """
        verbs = [verb.name for verb in self._fitted.task.verbs
                 if not verb.options or set(verb.options) & set(options)]
        if "predict_sure" in verbs:
            verbs.remove("predict")
        return _answers.answer(self._fitted, new, verbs, options)

    @overload
    def evaluate(self, held_out: Any, *, metric: Any = None, by: None = None,
                 **options: Any) -> dict[str, Score]: ...

    @overload
    def evaluate(self, held_out: Any, *, metric: Any = None, by: str | Sequence[str],
                 **options: Any) -> Slices: ...

    def evaluate(self, held_out: Any, *, metric: Any = None, by: str | Sequence[str] | None = None,
                 **options: Any) -> dict[str, Score] | Slices:
        """Every metric with its interval on rows that were not used for fitting.

        `by` names one or more columns: the same for each part of the rows, the worst first, with
        its difference from the other rows and a verdict corrected for the number of parts.
        """
        if by is not None:
            from wholefit.api.slicing import by_slices

            return by_slices(self._fitted, held_out, by, metric, options)
        return _answers.evaluate(self._fitted, held_out, metric, options)

    def coverage(self, held_out: Any, *, level: float = 0.9, by: str | None = None,
                 per_class: bool = False, **options: Any) -> dict[Any, dict[str, Score]]:
        """How often the intervals or sets of a level hold the truth, on rows not used for fitting.

        One entry, "all", and with `by` one for each value of that column of the rows. Scores:
        `coverage`, and the median `width` of intervals, or of sets how many `classes` they hold
        and how often a `single` one. Raises StateError where nothing was calibrated.
        """
        from wholefit.api.coverage import measured

        return measured(self._fitted, held_out, level, by, per_class, options)

    def calibrated(self, rows: Any, *, by: str | None = None, **options: Any) -> Result:
        """A new Result whose intervals or sets rest on `rows`: known targets, not learnt from.

        `by` names a column whose groups are calibrated each by itself, so that the level holds in
        every one of them: new rows must then have that column. A group of fewer than 50 rows, or
        one never seen, rests on all rows.

        For a model that was adopted or updated, which has no answers to unseen rows of its own, or
        for rows unlike those it was fitted on.
        """
        from wholefit.api.coverage import calibrated

        return Result(calibrated(self._fitted, rows, by, options), self._facts, self._run)

    def stream(
        self, readings: Iterable[Mapping[str, Any]], *, deadline: float | None = None,
        **policies: Any,
    ) -> Iterator[Answered]:
        """Readings as they come (a sensor's, a queue's), each answered at once.

        A reading maps column names to values. One that cannot be answered is told by its `wrong`
        and does not end the loop. `deadline` is in seconds: answers that took longer are `late`.
        """
        from wholefit.api.streaming import stream

        return stream(self._fitted, readings, deadline, policies)

    def with_threshold(self, threshold: Any = None, *, costs: Any = None, rows: Any = None,
                       **options: Any) -> Result:
        """A new Result that decides otherwise; probabilities stay as they are.

        `threshold` and `costs` are those of `wf.fit`. One that must be chosen is chosen on the
        out-of-fold answers of the fit; a loaded model has none, and needs `rows` with a known
        target that it was not fitted on. Neither of the two: the most probable class again.
        """
        from wholefit.api.balancing import with_threshold

        return Result(*with_threshold(self._fitted, self._facts, self._run, threshold, costs, rows,
                                      options))

    def label_errors(self, *, score: str = "normalised_margin") -> LabelErrors:
        """Rows whose target the fit's out-of-fold answers contradict, as `wf.label_errors`.

        No model is fitted. Rows are numbered as in the source, after the fixed steps of a
        cleaning recipe if there was one. StateError for a Result loaded from a file.
        """
        from wholefit.api._suspects import errors_of_run

        return errors_of_run(self._run, self.target, self.notes, score)

    def update(self, more: Any) -> Result:
        """A new Result that has learnt `more` rows too, where the model can.

        Its score is of the new rows, answered before they were learnt. Raises StateError for
        models that can only be fitted anew.
        """
        from wholefit.training import update

        dataset = _answers.dataset(self._fitted, more, {}, with_target=True)
        updated = update.update(self._fitted, self._facts.model, dataset, self._facts.lineage)
        return Result(updated.fitted, _record.of_update(self._facts, updated, dataset))

    def distil(
        self, rows: Any = None, *, to: str = "tree", held_out: Any = None, metric: Any = None,
        leaves: int = 32, rounds: int = 100, more: int | None = None, folds: int = 5,
        jobs: int | None = None, seed: int = 0, **options: Any,
    ) -> Distilled:
        """A small model taught by this one: its loss in score, and its gain in speed and size.

        `to`: "tree" (at most `leaves` leaves), "boosted" (`rounds` small trees), "linear", or
        "all". `rows`: those that this model learnt from, with their target; without, rows made up
        from what it remembers of its columns. `held_out`: rows that it has not seen, to judge both
        by; else the fit's out-of-fold answers are. `more`: rows made up to teach on beside those
        given. `options` are those of `predict`. `found.student` is a Result like any other.
        """
        from wholefit.api.distilling import distilled

        return distilled(self, rows, held_out, metric, {
            "to": to, "leaves": leaves, "rounds": rounds, "more": more, "folds": folds,
            "jobs": jobs, "seed": seed}, options)

    def compress(
        self, rows: Any, *, to: str | Sequence[str] = "all", held_out: Any = None,
        metric: Any = None, **options: Any,
    ) -> Compressed:
        """This model in fewer bits, weights, units or trees: size, speed and score side by side.

        `to`: one or more of float32, float16, int8, dynamic, static, shared, pruned, structured,
        deep (networks), fewer, shallow (trees), distil; or "all" that the model can take. `rows`:
        those that it learnt from, with their target. `held_out`: rows that it has not seen, to
        judge by; else a part of `rows` is set aside. `options` are those of `training.compress`
        (sparsity, epochs, trees, ...) and of `predict`. `found["int8"]` is a Result like any other.
        """
        from wholefit.api.compressing import compressed

        return compressed(self, rows, held_out, metric, to, options)

    def save(self, path: str | Path, *, force: bool = False) -> Path:
        """Write the model as one safe file (.wf); refuses to overwrite without `force`.

        Raises StateError if the model has no version-independent form.
        """
        fitted = self._fitted
        return artifact.write(path, self._facts.to_json(fitted), fitted.states(), force=force,
                              reference=_record.reference(self._facts))

    def export(self, path: str | Path, *, to: str | None = None, rows: Any = None,
               tolerance: float | None = None, force: bool = False, distil: str | None = None,
               held_out: Any = None, **options: Any) -> Exported:
        """Write the model for another runtime; a file that answers otherwise is not left behind.

        `to` names the target (`wholefit export --list`), or the path's ending does. `rows` are
        answered by both and compared; without, rows made up from what the model remembers.
        `tolerance` is the largest difference allowed. `options` are the target's and those of
        `predict`. Raises ExportError for what the target cannot hold.

        With `distil` ("tree", "boosted", "linear") a small model is taught on `rows` and written
        instead; `held_out` judges it, `options` may be those of `distil`, and the answer tells
        what it loses and gains (`.distilled`).
        """
        from wholefit.api.exporting import exported

        return exported(self, path, to, rows, tolerance, force,
                        {**options, "distil": distil, "held_out": held_out})

    def eject(self, path: str | Path, *, rows: Any = None, force: bool = False,
              **options: Any) -> Ejected:
        """Write a plain script that trains and predicts the same, without wholefit.

        `rows` are those that the model learnt from: the script is run on them and its answers are
        held against the model's. `options` are those of `predict`. Raises ExportError for a model
        that no plain script makes, with the reason.
        """
        from wholefit.api.ejecting import ejected

        return ejected(self, path, rows, force, options)

    def replay(self, source: Any = None, **options: Any) -> Replayed:
        """Do the run again, by count and without a clock, and say what of it is bit-equal.

        `source` are the rows it learnt from; `options` are those of `wf.replay`.
        """
        from wholefit.api.replaying import replay

        return replay(self, source, **options)

    def run_file(self, path: str | Path, *, force: bool = False) -> Path:
        """Write the run as text (.toml) that `diff` can read and `wf.replay` does again."""
        from wholefit.api.replaying import write_run_file

        return write_run_file(self, path, force=force)

    def report(self, path: str | Path, rows: Any = None, *, protected: str | Sequence[str] = (),
               values: bool = False, force: bool = False, **options: Any) -> Path:
        """Write a report: a page (.html), a model card (.md), or all its facts (.json).

        Held-out `rows` with a known target add where it fails, what each column is worth, whether
        it would hold and, for groups of people made by the columns `protected`, whether it is
        fair. `values` also explains a few single rows: they are personal data.
        """
        from wholefit.api.reporting import report

        return report(self, path, rows, protected, values, force, options)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        fitted = self.__dict__.get("_fitted")
        if fitted is None or name.startswith("_") or fitted.task.verb(name) is None:
            raise AttributeError(_absent(fitted, name))

        def verb(new: Any, **options: Any) -> Any:
            return _answers.answer(fitted, new, [name], options)

        verb.__name__, verb.__doc__ = name, fitted.task.verb(name).doc
        return verb

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *(verb.name for verb in self._fitted.task.verbs)})

    def _repr_html_(self) -> str:
        from wholefit import report

        return report.snippet(self)

    def __repr__(self) -> str:
        said = f"; {self.decision.said(self.classes or ())}" if self.decision else ""
        return (f"<Result {self.task} of {self.target!r}: {self.model}, "
                f"{self._facts.metric} {self.score}{said}>")


def load(path: str | Path, *, trust: Any = None, key: Any = None) -> Any:
    """Read a model written by `save`; runs no code from the file.

    With `trust`, a file of public keys, only if one of them has signed it; `key` says where the
    key of a sealed model comes from ("env:NAME", "file:PATH", "command:WORDS"). Without them the
    environment variables WHOLEFIT_TRUST and WHOLEFIT_KEY are asked.

    Returns a `Result`; for a task without a target that task's own (`Clusters`, `Rules`, ...).
    Raises ArtifactError if the file is damaged, tampered with, or from a newer format, AccessError
    if nobody trusted has signed it, or the key does not open it.
    """
    package = opening.opened(path, trust=trust, key=key)
    if package.record.get("task") in tasks.names(supervised=False):
        from wholefit.api import _unlabelled

        return _unlabelled.load(package)
    facts, fitted = _record.from_json(package.record, package.states)
    return Result(fitted, _record.with_reference(facts, package.reference))


def _absent(fitted: Fitted | None, name: str) -> str:
    if fitted is None:
        return name
    verbs = ", ".join(verb.name for verb in fitted.task.verbs)
    return f"a {fitted.task.name} result has no {name!r}; its verbs: {verbs}"


