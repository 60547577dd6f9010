"""Layers: activations by name, first weights, parts that networks share, and a user's own."""

from wholefit.nn.layers.activations import FORMULAS, Activation, activation, gain
from wholefit.nn.layers.blocks import (
    POOLS,
    GlobalPool,
    PatchEmbedding,
    Residual,
    SqueezeExcite,
    StochasticDepth,
    dropout,
    norm,
    pool,
    spectral,
)
from wholefit.nn.layers.initial import initialise
from wholefit.nn.layers.numeric import Categories, Periodic, Piecewise, RobustScale, Scaled
from wholefit.nn.layers.registry import add, get, names, remove

__all__ = [
    "FORMULAS", "POOLS", "Activation", "Categories", "GlobalPool", "PatchEmbedding", "Periodic",
    "Piecewise", "Residual", "RobustScale", "Scaled", "SqueezeExcite", "StochasticDepth",
    "activation", "add", "dropout", "gain", "get", "initialise", "names", "norm", "pool",
    "remove", "spectral",
]
