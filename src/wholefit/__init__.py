"""wholefit: from raw data to a trained, honestly scored, safely saved model, in one verb.

>>> import wholefit as wf
>>> result = wf.fit("churn.csv", target="churn")          # doctest: +SKIP
>>> result.predict("new.csv")                             # doctest: +SKIP
>>> result.save("churn.wf")                               # doctest: +SKIP

Importing wholefit wakes no other library; each name below is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wholefit._version import __version__
from wholefit.base.later import later

if TYPE_CHECKING:
    from wholefit.api import Result, adopt, compare, fit, load, profile, read
    from wholefit.api.anomaly import Alarms
    from wholefit.api.architecture import architecture_search
    from wholefit.api.association import Rules
    from wholefit.api.augmenting import Preview, preview_augmentation
    from wholefit.api.benching import Bench, bench
    from wholefit.api.checking import skew
    from wholefit.api.cleaning import Cleaned, clean
    from wholefit.api.clustering import Clusters
    from wholefit.api.compressing import Compressed
    from wholefit.api.curves import (
        BiasVariance,
        Cures,
        LearningCurve,
        ValidationCurve,
        bias_variance,
        cures,
        learning_curve,
        validation_curve,
    )
    from wholefit.api.distilling import Distilled
    from wholefit.api.engineering import feature, join, load_features, suggest
    from wholefit.api.generation import Generator
    from wholefit.api.glass import GlassBoxes, glass_boxes
    from wholefit.api.history import history
    from wholefit.api.labelling import agreement, label, label_errors, labelled
    from wholefit.api.lessons import Lesson, lesson, lessons
    from wholefit.api.logging_answers import log_answers
    from wholefit.api.loop import Loop, gate
    from wholefit.api.mitigating import Mitigated, mitigate
    from wholefit.api.monitoring import Monitored, monitor
    from wholefit.api.multilabel import Multilabel
    from wholefit.api.packaging import Packaged, audit_packages, package
    from wholefit.api.recommendation import Recommender
    from wholefit.api.reduction import Reduction
    from wholefit.api.replaying import Replayed, replay
    from wholefit.api.selecting import Selected, select
    from wholefit.api.serving import serve
    from wholefit.api.treating import Treatments, treatments
    from wholefit.api.tuning import Study, Tuned, tune
    from wholefit.api.validating import drift, expect, validate
    from wholefit.api.worth import Worth, worth
    from wholefit.artifact.registry import Registry
    from wholefit.base.errors import WholefitError
    from wholefit.data.clean import Recipe
    from wholefit.data.predictions import open_log
    from wholefit.data.validate import Expectations

_PUBLIC = {
    "fit": "wholefit.api", "load": "wholefit.api", "adopt": "wholefit.api",
    "compare": "wholefit.api", "profile": "wholefit.api", "read": "wholefit.api",
    **dict.fromkeys(("feature", "join", "load_features", "suggest"), "wholefit.api.engineering"),
    **dict.fromkeys(("agreement", "label", "label_errors", "labelled"), "wholefit.api.labelling"),
    **dict.fromkeys(("lesson", "lessons", "Lesson"), "wholefit.api.lessons"),
    **dict.fromkeys(("select", "Selected"), "wholefit.api.selecting"),
    **dict.fromkeys(("treatments", "Treatments"), "wholefit.api.treating"),
    **dict.fromkeys(("tune", "Tuned", "Study"), "wholefit.api.tuning"),
    "architecture_search": "wholefit.api.architecture",
    **dict.fromkeys(("learning_curve", "validation_curve", "bias_variance", "cures",
                     "LearningCurve", "ValidationCurve", "BiasVariance", "Cures"),
                    "wholefit.api.curves"),
    **dict.fromkeys(("drift", "expect", "validate"), "wholefit.api.validating"),
    "Expectations": "wholefit.data.validate",
    **dict.fromkeys(("glass_boxes", "GlassBoxes"), "wholefit.api.glass"),
    **dict.fromkeys(("mitigate", "Mitigated"), "wholefit.api.mitigating"),
    "log_answers": "wholefit.api.logging_answers",
    **dict.fromkeys(("monitor", "Monitored"), "wholefit.api.monitoring"),
    "open_log": "wholefit.data.predictions",
    **dict.fromkeys(("package", "audit_packages", "Packaged"), "wholefit.api.packaging"),
    "clean": "wholefit.api.cleaning", "Cleaned": "wholefit.api.cleaning",
    "Recipe": "wholefit.data.clean",
    "skew": "wholefit.api.checking", "serve": "wholefit.api.serving",
    **dict.fromkeys(("replay", "Replayed"), "wholefit.api.replaying"),
    **dict.fromkeys(("Preview", "preview_augmentation"), "wholefit.api.augmenting"),
    "Alarms": "wholefit.api.anomaly", "Clusters": "wholefit.api.clustering",
    "Compressed": "wholefit.api.compressing",
    **dict.fromkeys(("bench", "Bench"), "wholefit.api.benching"),
    "Distilled": "wholefit.api.distilling", "Generator": "wholefit.api.generation",
    "history": "wholefit.api.history",
    **dict.fromkeys(("Loop", "gate"), "wholefit.api.loop"),
    "Multilabel": "wholefit.api.multilabel",
    "Registry": "wholefit.artifact.registry",
    "Recommender": "wholefit.api.recommendation", "Reduction": "wholefit.api.reduction",
    "Rules": "wholefit.api.association",
    "Translation": "wholefit.api.translation",
    **dict.fromkeys(("worth", "Worth"), "wholefit.api.worth"),
    "Result": "wholefit.api", "WholefitError": "wholefit.base.errors",
}

__all__ = ["Alarms", "Bench", "BiasVariance", "Cleaned", "Clusters", "Compressed", "Cures",
           "Distilled", "Expectations", "Generator", "GlassBoxes", "LearningCurve", "Lesson",
           "Loop", "Mitigated", "Monitored", "Multilabel", "Packaged", "Preview", "Recipe",
           "Recommender", "Reduction", "Registry", "Replayed", "Result", "Rules", "Selected",
           "Study", "Translation", "Treatments", "Tuned", "ValidationCurve", "WholefitError",
           "Worth", "__version__", "adopt", "agreement", "architecture_search", "audit_packages",
           "bench", "bias_variance", "clean", "compare", "cures", "drift", "expect", "feature",
           "fit", "gate", "glass_boxes", "history", "join", "label", "label_errors", "labelled",
           "learning_curve", "lesson", "lessons", "load", "load_features", "log_answers",
           "mitigate", "monitor", "open_log", "package", "preview_augmentation", "profile", "read",
           "replay", "select", "serve", "skew", "suggest", "treatments", "tune", "validate",
           "validation_curve", "worth"]

__getattr__, __dir__ = later(__name__, {**_PUBLIC, "__version__": "wholefit._version"})
