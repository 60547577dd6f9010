"""Who made this model? A signature tells, and an altered model is not loaded.

A model file runs no code, and its checksums show accidents. They do not show that somebody changed
a number on purpose and made the checksums anew: the model then loads, and says what that person
wants. A signature shows it. Needs pip install 'wholefit[secure]'.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import wholefit as wf
from wholefit import artifact
from wholefit.artifact import keyfiles, opening, signing
from wholefit.base.sealing import Sealer, new_key
from wholefit.base.state import State
from wholefit.data import bundled

EXPECTED = {
    "share said to leave, as fitted": (0.15, 0.35),
    "share said to leave, altered": (0, 0.001),
    "the altered model is whole, by its checksums": (1, 1),
    "the altered model is loaded by who asks for no signature": (1, 1),
    "the altered model is refused by who does": (1, 1),
    "the true model is loaded by who does": (1, 1),
    "a sealed model answers as before": (1, 1),
    "it is refused without its key": (1, 1),
}


def altered(path: Path) -> None:
    """What somebody may do who wants nobody to be called a leaver: one number, then checksums."""
    package = artifact.read(path)
    states = dict(package.states)
    model = states["model"]
    arrays = {**model.arrays, "intercept": model.arrays["intercept"] - 50}
    states["model"] = State(model.kind, model.config, arrays, model.blobs, model.parts)
    artifact.write(path, package.record, states, reference=package.reference, force=True)


def refused(path: Path, **how: object) -> float:
    try:
        wf.load(path, **how)
    except wf.WholefitError as error:
        print(f"refused: {error}")
        return 1.0
    return 0.0


def leavers(model: wf.Result, rows: object) -> float:
    return float((model.predict(rows)["prediction"] == "Yes").mean())


def main() -> dict[str, float]:
    customers = wf.read(bundled.path("telco_churn")).frame
    train, new = customers[:2000], customers[2000:3000].drop("churn")
    folder = Path(tempfile.mkdtemp())
    keyfiles.make(folder / "ada.key", "Ada of the churn team")
    trust = folder / "ada.key.pub"

    model = wf.fit(train, target="churn", models="logistic", jobs=1)
    path = model.save(folder / "churn.wf")
    signing.sign(path, keyfiles.private(folder / "ada.key"))
    loaded = refused(path, trust=trust) == 0
    sealed = opening.seal(path, None, Sealer([key := new_key()]))
    (folder / "seal.key").write_bytes(key)
    same = wf.load(sealed, key=f"file:{folder / 'seal.key'}").predict(new).equals(
        model.predict(new))

    altered(path)
    return {
        "share said to leave, as fitted": leavers(model, new),
        "share said to leave, altered": leavers(wf.load(path), new),
        "the altered model is whole, by its checksums": float(
            all(fact.ok for fact in artifact.verify(path))),
        "the altered model is loaded by who asks for no signature": 1.0 - refused(path),
        "the altered model is refused by who does": refused(path, trust=trust),
        "the true model is loaded by who does": float(loaded),
        "a sealed model answers as before": float(same),
        "it is refused without its key": refused(sealed),
    }


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.3f}")
