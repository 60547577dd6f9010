"""Generative networks: how they are trained, each as a `Work` of the one loop, and diagnosed.

    train_vae(make("vae", inputs=784), rows, Variation(epochs=20))
    train_pair(make("generator"), make("discriminator"), rows, PairRecipe(steps=3000))
    train_autoencoder(make("autoencoder", inputs=784), rows, Rebuilding(noise="gaussian"))
    train_rbm(make("rbm", visible=784), rows, Divergence(persistent=True))
    train_few_labels(make("labelled_vae", inputs=784, classes=10), rows, labels, FewLabels())
"""

from wholefit.nn.generative._steps import Learning, Learnt
from wholefit.nn.generative.adversarial import Adversarial, Pair, PairRecipe, sample, train_pair
from wholefit.nn.generative.boltzmann import Divergence, sample_rbm, train_rbm
from wholefit.nn.generative.few_labels import FewLabels, train_few_labels
from wholefit.nn.generative.rebuild import Rebuilding, train_autoencoder
from wholefit.nn.generative.variational import Codes, Variation, codes, train_vae, walk
from wholefit.nn.generative.watch import Watch

__all__ = ["Adversarial", "Codes", "Divergence", "FewLabels", "Learning", "Learnt", "Pair",
           "PairRecipe", "Rebuilding", "Variation", "Watch", "codes", "sample", "sample_rbm",
           "train_autoencoder", "train_few_labels", "train_pair", "train_rbm", "train_vae", "walk"]
