"""Models of language: what they learn, what they say, what is stored."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import torch

from wholefit.base.errors import DataError, ParameterError, StateError
from wholefit.base.state import State, same
from wholefit.features.next_token import Choice
from wholefit.nn.checkpoints import Checkpoint
from wholefit.nn.sequences.decoding import beam, choose, shares_of
from wholefit.nn.sequences.language import LanguageModel

TEXT = "the cat sat on the mat. the dog sat on the log. " * 30
QUICK = {"epochs": 14, "batch": 4, "rate": 1e-2}
SMALL = {"lstm": {"width": 8, "hidden": 32}, "gru": {"width": 8, "hidden": 32},
         "transformer_decoder": {"width": 32, "heads": 2, "layers": 1, "dropout": 0.0}}


def fitted(network="lstm", tokens="character", **options):
    return LanguageModel(network, SMALL[network], tokens=tokens, length=24, recipe=QUICK,
                         threads=1, **options).fit([TEXT])


@pytest.fixture(scope="module", params=["lstm", "transformer_decoder"])
def model(request):
    return fitted(request.param)


@pytest.mark.parametrize("network", ["lstm", "transformer_decoder"])
def test_a_run_that_was_killed_goes_on_from_its_checkpoint(network, tmp_path):
    def run(*callbacks):
        return LanguageModel(network, SMALL[network], length=24, threads=1, tokens="character",
                             recipe={**QUICK, "epochs": 4}).fit([TEXT], callbacks=callbacks)

    def killed(event, loop):
        if event == "epoch" and loop.epoch == 2:
            raise RuntimeError("killed")

    whole = run()
    with pytest.raises(RuntimeError, match="killed"):
        run(Checkpoint(tmp_path), killed)
    seen = []
    again = run(Checkpoint(tmp_path), lambda event, loop: seen.append(loop.epoch))
    assert min(seen) >= 2 and len(again.history) == 4
    assert all(map(torch.equal, whole.module.parameters(), again.module.parameters()))


def test_it_learns_and_beats_the_frequencies_of_characters(model):
    counts = Counter(TEXT)
    shares = np.array([counts[sign] / len(TEXT) for sign in TEXT])
    alone = math.exp(-np.log(shares).mean())
    found = model.perplexity([TEXT])
    assert found.low < found.value < found.high < alone / 2
    assert found.tokens == len(TEXT) + 1
    assert np.isclose(found.bits, math.log2(found.value) * found.tokens / len(TEXT))


def test_perplexity_is_the_exponential_of_the_mean_surprise_read_in_one_go(model):
    text = TEXT[:20]
    stream = torch.tensor([[model.end, *model.tokenizer.encode([text]).numbers, model.end]])
    with torch.inference_mode():
        logits = model.module.step(stream[:, :-1])[0][0].double()
    wanted = -logits.log_softmax(-1)[torch.arange(21), stream[0, 1:]].mean()
    assert np.isclose(model.perplexity([text]).value, math.exp(wanted), rtol=1e-5)


def test_texts_longer_than_the_length_are_judged_whole(model):
    assert len(model.surprises([TEXT[:100], "", None, TEXT[:7]])) == 101 + 8
    assert np.isfinite(model.surprises([TEXT[:100]])).all()


def test_the_likeliest_text_is_the_text(model):
    said = model.sample(1, length=60, prompt="the cat ", temperature=0)[0]
    words = said[:60].replace(".", "").split()
    assert len(set(words[:-1]) & set(TEXT.replace(".", "").split())) == len(set(words[:-1]))


def test_samples_differ_among_themselves_and_repeat_with_the_seed(model):
    first = model.sample(4, length=40)
    assert len(set(first)) > 1
    assert model.sample(4, length=40) == first
    assert model.sample(4, length=40, seed=1) != first
    assert model.sample(0) == []


def test_a_stream_says_what_a_sample_says(model):
    said = list(model.stream("the ", length=30, temperature=0.8))
    assert "the " + "".join(said) == model.sample(1, length=30, prompt="the ", temperature=0.8)[0]
    assert len(said) > 5


def test_the_memory_gives_the_same_text_as_reading_all_anew(model):
    """Greedy, within the length: a second implementation without memory."""
    read = [model.end, *model.tokenizer.encode(["the cat"]).numbers.tolist()]
    for _ in range(12):
        with torch.inference_mode():
            logits = model.module(torch.tensor([read]))[0, -1]
            read.append(2 + int(logits[2:].argmax()))
    wanted = model.tokenizer.decode([token for token in read if token != model.end])
    assert model.sample(1, length=12, prompt="the cat", temperature=0)[0] == wanted


def test_it_comes_back_from_its_state_bit_for_bit(model):
    back = LanguageModel.from_state(model.state())
    assert same(back.state(), model.state())
    assert back.sample(2, length=30) == model.sample(2, length=30)
    assert np.array_equal(back.surprises([TEXT[:50]]), model.surprises([TEXT[:50]]))


def test_the_same_seed_gives_the_same_weights_and_leaves_torch_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, second, other = (
        LanguageModel("gru", SMALL["gru"], length=24, recipe={**QUICK, "epochs": 1}, seed=seed,
                      threads=1).fit([TEXT]).state() for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), before)
    assert same(first, second)
    assert not same(first, other)


@pytest.mark.parametrize("tokens", ["word", "bpe"])
def test_words_and_byte_pairs_are_said_too(tokens):
    made = fitted("gru", tokens, reading="windows")
    said = made.sample(1, length=10, prompt="the", temperature=0.5)[0]
    assert said.startswith("the ")
    assert made.perplexity([TEXT]).value < 20


def test_held_out_texts_are_judged_after_each_epoch():
    made = LanguageModel("gru", SMALL["gru"], length=24, recipe={**QUICK, "epochs": 2},
                         threads=1).fit([TEXT], valid=[TEXT[:90]])
    assert np.isclose(made.history[-1]["valid_loss"],
                      math.log(made.perplexity([TEXT[:90]]).value), rtol=1e-5)


def test_wrong_words_and_too_little_text_are_refused(model):
    for wrong in ({"network": "mlp"}, {"reading": "x"}, {"length": 0},
                  {"network": "transformer_decoder", "reading": "stream"}):
        with pytest.raises(ParameterError):
            LanguageModel(**wrong)
    for texts in ([], [""], [None]):
        with pytest.raises(DataError, match="two tokens"):
            LanguageModel().fit(texts)
    with pytest.raises(DataError):
        model.perplexity([""])
    with pytest.raises(StateError, match="fitted first"):
        LanguageModel().sample(1)
    with pytest.raises(ParameterError, match="top_p"):
        model.sample(1, top_p=1.5)


def test_damaged_states_are_refused_without_a_large_allocation(model):
    state = model.state()
    made_of = state.config["made_of"]
    for change in ({"vocabulary": 10**9}, {"outputs": -1}, {"network": "mlp"}, {"layers": 10**8},
                   {"vocabulary": "a"}, {"length": 10**12}):
        with pytest.raises(StateError):
            LanguageModel.from_state(State(state.kind, {**state.config,
                                                        "made_of": {**made_of, **change}},
                                           blobs=state.blobs, parts=state.parts))
    with pytest.raises(StateError):
        LanguageModel.from_state(State(state.kind, state.config, parts=state.parts,
                                       blobs={"weights.safetensors": b"nonsense"}))
    with pytest.raises(StateError):
        LanguageModel.from_state(State(state.kind, state.config, blobs=state.blobs))


def test_top_k_and_top_p_keep_the_likeliest():
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.15, 0.05]]))
    assert torch.allclose(shares_of(logits, Choice(top_k=2))[0],
                          torch.tensor([0.625, 0.375, 0, 0]).double())
    assert torch.allclose(shares_of(logits, Choice(top_p=0.7))[0],
                          torch.tensor([0.625, 0.375, 0, 0]).double())
    assert shares_of(logits, Choice(top_p=1e-9))[0].tolist() == [1, 0, 0, 0]
    cold = shares_of(logits, Choice(temperature=0.5))[0]
    assert torch.allclose(cold, torch.tensor([0.25, 0.09, 0.0225, 0.0025]).double() / 0.365)
    random = torch.Generator().manual_seed(0)
    drawn = choose(logits.expand(20_000, -1), Choice(), random)
    assert np.allclose(np.bincount(drawn) / 20_000, [0.5, 0.3, 0.15, 0.05], atol=0.015)
    assert choose(logits, Choice(temperature=0), random).item() == 0


def test_beams_find_what_trying_everything_finds_and_greed_does_not():
    """Three words, word 0 ends, at most four before it: every sequence is scored by hand."""
    random = torch.Generator().manual_seed(3)
    table = torch.randn(40, 3, generator=random).mul(2).log_softmax(-1)

    def row(words):
        place = 0
        for word in words:
            place = place * 3 + word
        return table[place % 40]

    def step(tokens, state):
        state = [[*before, token] for before, token in zip(state, tokens.tolist(), strict=True)]
        return torch.stack([row(words[1:]) for words in state]), state

    def every(words):
        if len(words) == 5:
            return
        logs = row(words)
        total = sum(row(words[:i])[words[i]].item() for i in range(len(words)))
        yield total + logs[0].item(), words
        for word in (1, 2):
            yield from every([*words, word])

    wanted = max(every([]), key=lambda one: one[0])[1]
    found = beam(step, lambda state, rows: [list(state[r]) for r in rows], [[]], 0, 0, beams=30,
                 length=4, penalty=0.0)
    assert found == wanted
