"""What a Result can be asked about itself. Each method is one call to another file of this room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wholefit.api.advising import Advised
    from wholefit.api.auditing import Audit
    from wholefit.api.counterfactual import Counterfactuals
    from wholefit.api.diagnosing import Diagnosis
    from wholefit.api.effects import Effect, Interactions, Surface
    from wholefit.api.explaining import Explanations
    from wholefit.api.importance import Importance
    from wholefit.api.inside import Inside
    from wholefit.api.nearest import Examples
    from wholefit.api.picturing import Pictured
    from wholefit.api.saliency import Saliency
    from wholefit.api.stress import Stress


class Understood:
    """The verbs of understanding: why it answers, where it fails, whether it is fair and holds.

    What they give tells itself in text (`to_text()`), as plain values (`to_json()`), and in a
    notebook as a picture.
    """

    def explain(self, rows: Any, *, method: str = "auto", background: Any = None,
                **options: Any) -> Explanations:
        """Why each of these rows gets its answer: what every column adds, from a common start.

        `method` is "auto" (exact where the model allows, else sampled), "shap" or "lime".
        `background`: rows to compare with; without it those that the fit or the file kept.
        """
        from wholefit.api.explaining import explain

        return explain(self, rows, method, background, options)  # type: ignore[arg-type]

    def importance(self, held_out: Any, **options: Any) -> Importance:
        """What each column is worth on rows with a known target, with an interval.

        How much the score falls when the column is shuffled; see `wholefit.api.importance`.
        """
        from wholefit.api.importance import importance

        return importance(self, held_out, options)

    def effect(self, columns: str | Sequence[str], rows: Any, *, kind: str = "ale",
               **options: Any) -> Effect | Surface:
        """How the answer moves with a column, or with two: `kind` "ale", "pdp" or "ice"."""
        from wholefit.api.effects import effect

        return effect(self, columns, rows, kind, options)

    def interactions(self, rows: Any, **options: Any) -> Interactions:
        """Which pairs of columns act together beyond what each does alone, and how strongly."""
        from wholefit.api.effects import interactions

        return interactions(self, rows, options)

    def counterfactuals(self, row: Any, *, want: Any = None, change: Sequence[str] | None = None,
                        keep: Sequence[str] = (), **options: Any) -> Counterfactuals:
        """What would have to be otherwise for another answer: few changes, to plausible values.

        `want`: the class, or a number or range of them; `change` the columns that may change,
        `keep` those that may not.
        """
        from wholefit.api.counterfactual import counterfactuals

        return counterfactuals(self, row, want, change, keep, options)

    def examples(self, rows: Any, among: Any, **options: Any) -> Examples:
        """The rows of `among` that the model treats most like each of `rows`."""
        from wholefit.api.nearest import examples

        return examples(self, rows, among, options)

    def pictures(self, rows: Any, *, most: int = 24, **options: Any) -> Pictured:
        """Pictures of known class and what they are taken for: mistakes first, the surest of all.

        `options` are those of `predict`. For models that tell classes of pictures.
        """
        from wholefit.api.picturing import pictured

        return pictured(self, rows, most, options)

    def saliency(self, rows: Any, *, kind: str = "occlusion", column: str | None = None,
                 shape: Sequence[int] | None = None, output: Any = None,
                 **options: Any) -> Saliency:
        """Which words of a text, or which part of a picture, each row's answer hangs on.

        A picture is a table with a column for each pixel. `kind` "occlusion" takes parts away,
        "shap" shows contributions of pixels; `output` names the class that is explained.
        """
        from wholefit.api.saliency import saliency

        return saliency(self, rows, kind, column, shape, output, options)

    def inside(self, rows: Any = None, *, bootstrap: int = 0, seed: int = 0,
               **options: Any) -> Inside:
        """What the model is made of, in words: coefficients, rules, a tree, curves.

        `rows` with their target give coefficients standard errors where the fit's are not kept;
        with `bootstrap` by that many fits on rows drawn with replacement.
        """
        from wholefit.api.inside import inside

        return inside(self, rows, bootstrap, seed, options)

    def diagnose(
        self, held_out: Any, *, time: str | None = None, by: str | Sequence[str] | None = None,
        costs: Any = None, metric: Any = None, show: Sequence[str] = (), examples: int = 3,
        depth: int = 3, least: int | None = None, level: float = 0.95, seed: int = 0,
        **options: Any,
    ) -> Diagnosis:
        """Where it fails on rows that it has not seen, how sure it is, and what to do next.

        `time` orders the rows, `by` parts them; `costs` are those of `wf.fit`. Slices of up to
        `depth` conditions and at least `least` rows are searched. `examples` surest rows of each
        mistake are named by number, with their cells in the columns `show`, and in no others.
        """
        from wholefit.api.diagnosing import diagnose

        return diagnose(self, held_out, time=time, by=by, costs=costs, metric=metric, show=show,
                        examples=examples, depth=depth, least=least, level=level, seed=seed,
                        options=options)

    def stress(self, held_out: Any, **options: Any) -> Stress:
        """Whether it would hold: noise, missing columns, shifted and adversarial inputs."""
        from wholefit.api.stress import stress

        return stress(self, held_out, options)

    def audit(self, held_out: Any, by: str | Sequence[str], *, positive: Any = None,
              reference: Any = "largest", bands: Any = None, together: bool = True,
              level: float = 0.95, thin: int = 30, shrink: bool = False, proxies: bool = True,
              seed: int = 0, **options: Any) -> Audit:
        """Whether it treats groups of people alike: each measure with its interval, and limits.

        `by` names columns of the rows, learnt from or not. `positive` is the outcome judged;
        `reference` what groups are compared with ("largest", "rest", {"sex": "Male"}); `bands`
        cut numbers ({"age": [25, 40, 60]}); `together` also judges the groups that several
        columns make; below `thin` rows nothing is judged; `shrink` adds rates drawn towards all
        groups'; `proxies` measures how well other columns tell the groups.
        """
        from wholefit.api.auditing import audit

        return audit(self, held_out, by, {
            "positive": positive, "reference": reference, "bands": bands, "together": together,
            "level": level, "thin": thin, "shrink": shrink, "proxies": proxies, "seed": seed,
            **options})

    def advice(self, *, seen: Any = None, known: Sequence[Any] = (), **options: Any) -> Advised:
        """What to do next, from the evidence at hand: each piece with what it rests on.

        `seen`: the rows it learnt from, to know how much better it is on them; `known`: records
        made of the same model by `wf.cures`, `wf.learning_curve` and `audit`. `options` are those
        of `predict`, for `seen`. A rule speaks only where its evidence is there.
        """
        from wholefit.api.advising import advice

        return advice(self, seen, known, options)
