"""Sequence networks against torch's own layers, and what must not change their answers."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from wholefit.base.errors import ParameterError
from wholefit.nn.networks import make, parameters
from wholefit.nn.sequences.attention import Attention
from wholefit.nn.sequences.blocks import DecoderLayer, EncoderLayer
from wholefit.nn.sequences.ngrams import hashed
from wholefit.nn.sequences.positions import sinusoidal, turned

# Sizes as programs that people write have them: sums of the layers' own formulas.
SIZES = [
    ("rnn", {"features": 10, "hidden": 20, "outputs": 5}, 745),
    ("lstm", {"features": 10, "hidden": 20, "outputs": 5}, 2_665),
    ("gru", {"features": 10, "hidden": 20, "outputs": 5}, 3 * 640 + 105),
    ("rnn", {"features": 1, "hidden": 50, "outputs": 1, "activation": "relu"}, 2_701),
    ("lstm", {"features": 1, "hidden": 50, "layers": 2, "outputs": 1},
     4 * (50 + 2500 + 100) + 4 * (5000 + 100) + 51),
    ("lstm", {"features": 1, "hidden": 50, "bidirectional": True, "outputs": 1},
     2 * 4 * (50 + 2500 + 100) + 101),
    ("lstm", {"vocabulary": 1000, "width": 64, "hidden": 128, "outputs": 1000, "head": "each"},
     292_328),
    ("rnn", {"vocabulary": 25_000, "width": 100, "hidden": 256, "outputs": 2},
     2_500_000 + 256 * (100 + 256 + 2) + 514),
    ("embedding", {"vocabulary": 10_000, "width": 16, "hidden": [24], "outputs": 1}, 160_433),
]
READERS = [
    ("rnn", {}), ("gru", {"bidirectional": True, "layers": 2}), ("lstm", {"head": "mean"}),
    ("lstm", {"bidirectional": True}), ("gru", {"head": "attention"}), ("temporal", {}),
    ("temporal", {"causal": True, "kernel": 2, "head": "last"}), ("transformer_encoder", {}),
    ("transformer_encoder", {"positions": "rotary", "head": "max"}),
    ("embedding", {"ngrams": 3, "buckets": 50}),
]


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def tokens(rows=5, length=9, vocabulary=20):
    return torch.randint(1, vocabulary, (rows, length))


@pytest.mark.parametrize(("name", "options", "count"), SIZES)
def test_parameters_are_as_many_as_the_layers_formulas_say(name, options, count):
    assert parameters(make(name, **options)) == count


def test_an_encoder_layer_of_width_512_has_the_parameters_of_the_paper():
    assert parameters(EncoderLayer(512, 8, 2048, norm="post")) == 3_152_384


@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_the_encoder_layer_is_torchs_own(norm, activation):
    ours = EncoderLayer(16, 4, 32, 0.0, norm, activation).eval()
    theirs = nn.TransformerEncoderLayer(16, 4, 32, 0.0, activation, batch_first=True,
                                        norm_first=norm == "pre").eval()
    _copy(theirs, ours)
    x, real = torch.randn(3, 7, 16), torch.arange(7) < torch.tensor([7, 4, 1])[:, None]
    wanted = theirs(x, src_key_padding_mask=~real)
    found, weights = ours(x, real[:, None, None, :], weights=True)
    assert torch.allclose(found[real], wanted[real], atol=1e-6)
    assert torch.allclose(ours(x, real[:, None, None, :])[0], found, atol=1e-6)
    _, theirs_weights = theirs.self_attn(*[theirs.norm1(x) if norm == "pre" else x] * 3,
                                         key_padding_mask=~real, average_attn_weights=False)
    assert torch.allclose(weights, theirs_weights, atol=1e-6)


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_the_decoder_layer_is_torchs_own(norm):
    ours = DecoderLayer(16, 2, 32, 0.0, norm).eval()
    theirs = nn.TransformerDecoderLayer(16, 2, 32, 0.0, batch_first=True,
                                        norm_first=norm == "pre").eval()
    _copy(theirs, ours)
    ours.across.load_state_dict(_attention(theirs.multihead_attn))
    ours.norm_across.load_state_dict(theirs.norm2.state_dict())
    ours.norm_network.load_state_dict(theirs.norm3.state_dict())
    x, source = torch.randn(3, 5, 16), torch.randn(3, 8, 16)
    causal = nn.Transformer.generate_square_subsequent_mask(5)
    assert torch.allclose(ours.read(x, source)[0], theirs(x, source, causal), atol=1e-6)


def _attention(theirs):
    return {"into.weight": theirs.in_proj_weight, "into.bias": theirs.in_proj_bias,
            "out.weight": theirs.out_proj.weight, "out.bias": theirs.out_proj.bias}


def _copy(theirs, ours):
    ours.attention.load_state_dict(_attention(theirs.self_attn))
    for name, other in (("first", "linear1"), ("second", "linear2"), ("norm_attention", "norm1"),
                        ("norm_network", "norm2")):
        getattr(ours, name).load_state_dict(getattr(theirs, other).state_dict())


@pytest.mark.parametrize(("name", "kind"), [("rnn", nn.RNN), ("gru", nn.GRU), ("lstm", nn.LSTM)])
def test_recurrent_networks_are_torchs_layers_row_by_row(name, kind):
    made = make(name, features=3, hidden=4, outputs=2, layers=2, bidirectional=True).eval()
    layer = kind(3, 4, num_layers=2, batch_first=True, bidirectional=True)
    layer.load_state_dict(made.body.state_dict())
    x, lengths = torch.randn(4, 6, 3), torch.tensor([6, 2, 1, 5])
    found = made(x, lengths)
    for row, length in enumerate(lengths.tolist()):
        read, _ = layer(x[row:row + 1, :length])
        last = torch.cat([read[0, -1, :4], read[0, 0, 4:]])
        assert torch.allclose(found[row], made.head(last), atol=1e-6)


@pytest.mark.parametrize(("name", "options"), READERS)
def test_padding_and_neighbours_change_nothing(name, options):
    made = make(name, vocabulary=20, length=30, outputs=3, **options).eval()
    x = tokens(6, 9)
    x[1, 4:] = x[2, 1:] = 0
    x[3] = 0
    alone = torch.cat([made(row[None]) for row in x])
    padded = made(torch.cat([x, torch.zeros(6, 11, dtype=torch.long)], dim=1))
    assert torch.allclose(made(x), alone, atol=1e-6)
    assert torch.allclose(padded, alone, atol=1e-6)
    assert torch.isfinite(padded).all()
    short = made(x[1:2, :4])
    assert torch.allclose(short, alone[1:2], atol=1e-6)


@pytest.mark.parametrize(("name", "options"), [
    ("temporal", {"causal": True, "head": "each"}), ("lstm", {"head": "each"}),
    ("transformer_decoder", {}), ("transformer_decoder", {"positions": "learned", "norm": "post"})])
def test_no_later_token_changes_an_earlier_answer(name, options):
    made = make(name, **{"vocabulary": 20, "outputs": 20, **options}).eval()
    x = tokens(2, 9)
    before = made(x)
    x[:, 6:] = x[:, 6:] % 19 + 1
    after = made(x)
    assert torch.allclose(before[:, :6], after[:, :6], atol=1e-6)
    assert not torch.allclose(before[:, 6:], after[:, 6:], atol=1e-3)


@pytest.mark.parametrize("positions", ["none", "sinusoidal", "learned", "rotary"])
def test_a_memory_gives_what_reading_all_at_once_gives(positions):
    made = make("transformer_decoder", vocabulary=20, positions=positions, length=12).eval()
    x, state, found = tokens(3, 9), None, []
    for piece in x.split([4, 1, 1, 3], dim=1):
        answer, state = made.step(piece, state)
        found.append(answer)
    assert torch.allclose(torch.cat(found, dim=1), made(x), atol=1e-5)


def test_without_positions_order_is_invisible_and_with_them_it_is_not():
    x = torch.tensor([[1, 2, 3, 4], [4, 3, 2, 1]])  # he eats a burger, a burger eats he
    for positions, same in (("none", True), ("sinusoidal", False), ("learned", False),
                            ("rotary", False)):
        made = make("transformer_encoder", vocabulary=9, outputs=2, positions=positions).eval()
        with torch.no_grad():
            for each in made.parameters():  # learnt positions begin near nothing
                each.mul_(3)
        assert torch.allclose(*made(x), atol=1e-5) is same


def test_sinusoidal_waves_are_the_papers_formula():
    waves = sinusoidal(50, 8)
    for place, i in ((0, 0), (3, 1), (49, 3)):
        angle = torch.tensor(place / 10000 ** (2 * i / 8), dtype=torch.float64)
        assert torch.isclose(waves[place, 2 * i].double(), angle.sin(), atol=1e-6)
        assert torch.isclose(waves[place, 2 * i + 1].double(), angle.cos(), atol=1e-6)
    assert sinusoidal(3, 5).shape == (3, 5)


def test_rotary_products_depend_on_the_distance_alone():
    query, key = torch.randn(8), torch.randn(8)
    products = [(turned(query[None], a)[0] @ turned(key[None], b)[0]).item()
                for a, b in ((0, 3), (10, 13), (100, 103))]
    assert max(products) - min(products) < 1e-4
    assert torch.allclose(turned(query[None])[0], query)


def test_attention_weights_sum_to_one_and_look_at_no_padding():
    made = make("transformer_encoder", vocabulary=20, outputs=2, heads=2, width=8).eval()
    x = tokens(3, 6)
    x[0, 4:] = 0
    found = made.attention(x)
    assert [weight.shape for weight in found] == [(3, 2, 6, 6)] * 2
    assert torch.allclose(found[0].sum(-1), torch.ones(3, 2, 6))
    assert (found[0][0, :, :, 4:] == 0).all()
    causal = make("transformer_decoder", vocabulary=20, heads=2, width=8).eval().attention(x)[0]
    assert (causal.triu(1) == 0).all()


def test_hashed_ngrams_are_equal_where_neighbours_are_and_end_with_the_text():
    x = torch.tensor([[3, 4, 3, 4, 0], [9, 3, 4, 0, 0]])
    found = hashed(x, 3, 1000, 50)
    pairs, triples = found[:, :4], found[:, 4:]
    assert pairs[0, 0] == pairs[0, 2] == pairs[1, 1] != pairs[0, 1]
    assert pairs[0, 3] == pairs[1, 2] == 0
    assert (triples[1, 1:] == 0).all()
    assert (triples[0, :2] != 0).all()
    assert ((found == 0) | ((found >= 50) & (found < 1050))).all()


def test_a_bag_with_pairs_tells_orders_apart_and_one_without_does_not():
    x = torch.tensor([[1, 2, 3], [3, 2, 1]])
    plain = make("embedding", vocabulary=9, outputs=2).eval()
    pairs = make("embedding", vocabulary=9, outputs=2, ngrams=2, buckets=99).eval()
    assert torch.allclose(*plain(x))
    assert not torch.allclose(*pairs(x))
    wanted = plain.head(plain.table.weight[x[0]].mean(dim=0))
    assert torch.allclose(plain(x)[0], wanted, atol=1e-6)


def test_wrong_options_say_what_is_right():
    wrong = [("lstm", {"outputs": 2}, "vocabulary"), ("rnn", {
        "outputs": 2, "features": 1, "activation": "gelu"}, "tanh"),
        ("lstm", {"outputs": 2, "features": 1, "head": "lats"}, "last"),
        ("temporal", {"outputs": 2, "features": 1, "kernel": 4}, "odd"),
        ("embedding", {"vocabulary": 5, "outputs": 1, "ngrams": 2}, "buckets"),
        ("transformer_encoder", {"vocabulary": 5, "outputs": 1, "positions": "x"}, "rotary"),
        ("transformer_encoder", {"vocabulary": 5, "outputs": 1, "norm": "x"}, "post")]
    for name, options, word in wrong:
        with pytest.raises(ParameterError, match=word):
            make(name, **options)
    with pytest.raises(ParameterError, match="heads"):
        Attention(10, 3)
    made = make("transformer_encoder", vocabulary=5, outputs=1, length=4)
    with pytest.raises(ParameterError, match="at most 4"):
        made(torch.ones(1, 5, dtype=torch.long))
