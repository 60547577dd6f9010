"""Claims about how sure a model is, and what that catches."""

from __future__ import annotations

import numpy as np

from benchmarks.claims._claim import FALSE, PARTLY, TRUE, Finding, claim, fitted

_FLAG = 0.6


@claim("B73", "Answers whose highest probability is below 0.6 are the ones to look at: the flag "
       "catches the errors",
       "telco churn and credit data (two classes, logistic), made-up rows of ten overlapping "
       "classes (naive Bayes, overconfident; forest, cautious): share flagged, share of errors "
       "caught, error rate of flagged and other answers, on rows not learnt from")
def flag_of_sixty() -> Finding:
    from wholefit.evaluation.confidence import confidence

    said, caught = [], {}
    for name, (wrong, sure, classes) in _answers().items():
        known = confidence(wrong, sure, classes=classes)
        flag = next((each for each in known.flags if each.below == _FLAG), None)
        if flag is None:
            caught[name] = (float((sure < _FLAG).mean()), 1.0, True)
            said.append(f"{name}: flags {np.mean(sure < _FLAG):.0%} of all answers")
            continue
        better = flag.wrong_low > flag.wrong_kept_high
        caught[name] = (flag.share, flag.caught, better)
        said.append(f"{name}: flags {flag.share:.0%}, catches {flag.caught:.0%} of the errors "
                    f"(wrong in {flag.wrong:.0%} [{flag.wrong_low:.0%}, {flag.wrong_high:.0%}] of "
                    f"the flagged, {flag.wrong_kept:.0%} of the others)")
    useful = all(share[1] > 0.5 and share[0] < 0.5 and share[2] for share in caught.values())
    more_wrong = all(better for _, _, better in caught.values())
    return "; ".join(said), TRUE if useful else PARTLY if more_wrong else FALSE


def _answers() -> dict[str, tuple[np.ndarray, np.ndarray, int]]:
    """Whether each answer is wrong, how sure it is, and of how many classes."""
    import wholefit as wf
    from wholefit.data import bundled

    found = {}
    for name, target in (("telco_churn", "churn"), ("credit_data", "Status")):
        rows = wf.read(bundled.path(name)).frame.sample(fraction=1.0, shuffle=True, seed=0)
        half = rows.height // 2
        result = wf.fit(rows[:half], target=target, models="logistic", checks=False, jobs=1,
                        choose="best")
        told = result.predict_sure(rows[half:], least=0.0)
        wrong = (told["prediction"] != rows[half:][target]).to_numpy().astype(float)
        found[name] = (wrong, told["confidence"].to_numpy(), 2)
    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, 6_000)
    X = rng.normal(size=(10, 8))[y] + rng.normal(size=(6_000, 8))
    X = np.hstack([X, X, X])  # said three times, so that naive Bayes is far too sure
    for name, model in (("ten classes, naive Bayes", "gaussian_nb"),
                        ("ten classes, forest", "random_forest")):
        answer = fitted(model, X[:3_000], y[:3_000])(X[3_000:])
        wrong = (answer.argmax(axis=1) != y[3_000:]).astype(float)
        found[name] = (wrong, np.clip(answer.max(axis=1), 0, 1), 10)
    return found
