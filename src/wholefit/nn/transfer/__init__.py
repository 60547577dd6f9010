"""Transfer: begin from what a network has learnt already.

    base = load("lite0.safetensors")
    found = tune(base, (photos, codes), outputs=5, strategy="frozen")
    strategies(base, (photos, codes), (photos2, codes2))     # all of them, the same budget

    load           a base from a file, an artifact, a folder, a library's id
    headed         its body under a new head
    freeze, thaw   parts that learn nothing, bit for bit; `Gradually`, `rates` (Howard and Ruder)
    tune           one strategy; `strategies` compares, `similarity` and `advise` choose
    extract        features, computed once
    pretrain       a base from rows without labels; `pretrain_boltzmann`, layer by layer
"""

from wholefit.nn.transfer.bases import Base, Picture
from wholefit.nn.transfer.bodies import Body, fingerprint, stages
from wholefit.nn.transfer.comparing import Compared, Tried, strategies
from wholefit.nn.transfer.extracting import extract
from wholefit.nn.transfer.freezing import Gradually, freeze, frozen, rates, thaw, train_top
from wholefit.nn.transfer.layerwise import pretrain_boltzmann
from wholefit.nn.transfer.loading import load
from wholefit.nn.transfer.pretraining import OBJECTIVES, pretrain
from wholefit.nn.transfer.similarity import Advice, Similarity, advise, domain_gap, similarity
from wholefit.nn.transfer.tuning import STRATEGIES, headed, tune

__all__ = [
    "OBJECTIVES", "STRATEGIES", "Advice", "Base", "Body", "Compared", "Gradually", "Picture",
    "Similarity", "Tried", "advise", "domain_gap", "extract", "fingerprint", "freeze", "frozen",
    "headed", "load", "pretrain", "pretrain_boltzmann", "rates", "similarity", "stages",
    "strategies", "thaw", "train_top", "tune",
]
