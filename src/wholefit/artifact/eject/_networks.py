"""Networks of tables as plain PyTorch: the module, the batches, the steps, in the same order.

What is random in a network's training is drawn from generators whose seeds follow from the fit's
seed. The script is given these seeds, and so comes to the same weights: the same first ones, the
same rows held out, the same batches, the same neurons left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wholefit.artifact.eject._pieces import Pieces
from wholefit.base import seeds
from wholefit.base.errors import ExportError

_KNOWN = ("mlp", "realmlp", "tabm")
_ACTIVATIONS = {
    "relu": "nn.ReLU()", "leaky_relu": "nn.LeakyReLU()", "elu": "nn.ELU()", "selu": "nn.SELU()",
    "gelu": "nn.GELU()", "silu": "nn.SiLU()", "mish": "nn.Mish()", "tanh": "nn.Tanh()",
    "sigmoid": "nn.Sigmoid()"}
_NORMS = {"batch": "nn.BatchNorm1d(size)", "layer": "nn.LayerNorm(size)"}
# Schedules: what is said of each, and its formula.
_SHARES = {
    "constant": ("1, always", "1.0"),
    "cosine": ("the half of a cosine", "(1 + math.cos(math.pi * min(1.0, step / steps))) / 2"),
    "coslog4": ("four waves, each twice as long as the one before",
                "(1 - math.cos(2 * math.pi * math.log2(1 + 15 * min(1.0, step / steps)))) / 2")}
_STANDARD = "    centre, spread = numbers.mean(axis=0), numbers.std(axis=0)"
_ROBUST = """\
    low, centre, high = np.quantile(numbers, [0.25, 0.5, 0.75], axis=0)
    reach, spread = (numbers.max(axis=0) - numbers.min(axis=0)) / 2, high - low
    spread = np.where(spread > 1e-12 * np.abs(centre), spread, reach)"""
_TOGETHER = {True: "x.log_softmax(-1).logsumexp(1) - math.log(MEMBERS)  # the mean probability",
             False: "x.mean(1)"}
_APART = """\
    if found.dim() == 3:
        found, target = found.flatten(0, 1), target.repeat_interleave(MEMBERS, 0)
"""
_STOPPING = """\
        if len(held):  # the weights that were best on rows not learnt from are kept
            now = judged(network, [each[held] for each in inputs], target[held], max(256, batch))
            worse = 0 if now < least else worse + 1
            if now < least:
                least = now
                best = {name: value.clone() for name, value in network.state_dict().items()}
            elif worse == PATIENCE:
                break
"""


def is_network(made: Any) -> bool:
    """True for an estimator around a network that is fitted by wholefit's own training."""
    return type(made).__name__ in ("NetworkClassifier", "NetworkRegressor")


def network(
    made: Any, classes: int, rows: int, codes: Sequence[int], width: int,
    counted: Sequence[Mapping[str, Any]] | None = None,
) -> Pieces:
    """The pieces that train and ask the network of the unfitted estimator `made`.

    It learns from `rows` rows of `width` numbers and of codes with so many levels each. `counted`
    are what its fits did under a clock, one for each fold of a blend; one alone for a model that
    is fitted once. ExportError for a network that has no piece.
    """
    options = dict(made.network)
    name = options.pop("network")
    if name not in _KNOWN:
        raise ExportError(f"this model cannot be ejected as a plain script: its network {name!r} "
                          "has no plain form there; export it (`wholefit export`) to torch or "
                          "onnx.")
    if made.pretrain is not None:
        raise ExportError("this model cannot be ejected as a plain script: its layers learnt rows "
                          "before their targets (pretrain=), which has no plain form there; "
                          "export it (`wholefit export`) to torch or onnx.")
    recipe = _recipe(made, name, classes, rows)
    found = Pieces({"network_train", "held_out_classes" if classes else "held_out_numbers",
                    "error_classes" if classes else "error_numbers",
                    "network_ask_classes" if classes else "network_ask_numbers"},
                   imports={"import torch", "from torch import nn",
                            "from torch.nn import functional"},
                   standard={"import math"})
    _inputs(made, name, bool(codes), found)
    _MODULES[name](options, classes, bool(codes), found)
    _lesson(made, name, recipe, classes, found)
    _seeds(made, recipe, found)
    _threads(made, name, recipe, (width, list(codes)), classes, rows, found)
    _stopping(recipe, found)
    _clock(counted, found)
    return found


def _recipe(made: Any, name: str, classes: int, rows: int) -> Any:
    from wholefit.models._networks import _learn

    loss = "cross_entropy" if classes else "squared"
    learnt = rows - round(rows * made.validation)
    held = rows >= _learn.LEAST_TO_HOLD_OUT and made.validation > 0
    recipe = _learn.settled(name, {"loss": loss, **made.recipe}, learnt, held,
                            seeds.derive(made.random_state, "lesson", 0))
    if recipe.optimizer != "adamw" or recipe.schedule not in _SHARES or recipe.ema is not None:
        raise ExportError("this model cannot be ejected as a plain script: its steps "
                          f"({recipe.optimizer}, {recipe.schedule}) have no plain form there; "
                          "export it (`wholefit export`) to torch or onnx.")
    if recipe.find or recipe.precision != "float32" or recipe.compiled != "no":
        raise ExportError("this model cannot be ejected as a plain script: find_rate, precision "
                          "and compiled have no plain form there; fit it without them (with the "
                          "rate that was found as learning_rate), or export it "
                          "(`wholefit export`) to torch or onnx.")
    return recipe


def _inputs(made: Any, name: str, coded: bool, found: Pieces) -> None:
    """Numbers on one scale; categories as 0/1 where the network takes no codes."""
    found.names.add("inputs_numbers" if not coded else
                    "inputs_onehot" if name == "mlp" else "inputs_codes")
    if made.scaling == "quantile":
        found.names.add("scaled_quantile")
        found.imports.add("import scipy.special")
        return
    found.names.add("scaled_by")
    robust = made.scaling == "robust"
    found.facts |= {
        "centre": _ROBUST if robust else _STANDARD,
        "centre_said": "median and middle half" if robust else "mean and deviation",
        "bent": "found / np.sqrt(1.0 + (found / 3.0) ** 2)" if robust else "found"}


def _mlp(options: dict[str, Any], classes: int, coded: bool, found: Pieces) -> None:
    from wholefit.nn import layers

    dropout, norm = options["dropout"], options["norm"]
    block = [*([_NORMS[norm]] if norm != "none" else []), _ACTIVATIONS[options["activation"]],
             *([f"nn.Dropout({dropout!r})"] if dropout else [])]
    found.names.add("mlp")
    found.constants |= {"HIDDEN": list(options["hidden"]),
                        "GAIN": float(layers.gain(options["activation"]))}
    found.facts |= {
        "block": ", ".join(block), "network": "network_for(inputs[0].shape[1])", "prepare": "",
        "odd": "    while rows % batch == 1 and 1 < batch < rows:  # a batch norm needs two rows\n"
               "        batch += 1\n" if norm == "batch" else ""}


def _realmlp(options: dict[str, Any], classes: int, coded: bool, found: Pieces) -> None:
    _table(options, coded, found)
    found.names.add("realmlp")
    waves = ' or name.startswith("table.numbers.")' if options["embedding"] == "periodic" else ""
    slow = 'not name.startswith("table.") and name.endswith((".bias", ".share"))'
    found.facts |= {"bend": "functional.selu(x)" if classes else "functional.mish(x)",
                    "slow": f"{slow}{waves}"}


def _tabm(options: dict[str, Any], classes: int, coded: bool, found: Pieces) -> None:
    _table(options, coded, found)
    found.names.add("tabm")
    found.constants["MEMBERS"] = int(options["members"])
    found.facts |= {"together": _TOGETHER[bool(classes)], "apart": _APART,
                    "apart_said": ", of each member by itself"}


_MODULES = {"mlp": _mlp, "realmlp": _realmlp, "tabm": _tabm}


def _table(options: dict[str, Any], coded: bool, found: Pieces) -> None:
    """What real_mlp and tabm share: numbers embedded, codes as vectors."""
    found.names |= {f"embedding_{options['embedding']}",
                    "table_codes" if coded else "table_numbers"}
    found.constants |= {"HIDDEN": list(options["hidden"]), "EMBEDDED": int(options["size"])}
    dropout = options["dropout"]
    found.facts |= {
        "dropout": f", nn.Dropout({dropout!r})" if dropout else "", "odd": "",
        "network": f"Network(inputs[0].shape[1]{', reading.levels' if coded else ''})",
        "prepare": "    network.table.numbers.prepare(inputs[0][learn][:20_000])\n"}


def _lesson(made: Any, name: str, recipe: Any, classes: int, found: Pieces) -> None:
    """Target, loss, steps and their sizes."""
    from wholefit.nn import networks

    said, share = _SHARES[recipe.schedule]
    warm = ("    warm = math.ceil(@ * steps)\n    if step < warm:\n"
            "        return (step + 1) / (warm + 1)\n"
            "    step, steps = step - warm, max(1, steps - warm)\n").replace(
                "@", repr(float(recipe.warmup)))
    most = max(32, networks.recipe_of(name).get("batch", 256))
    smooth = recipe.label_smoothing
    found.constants |= {"OUTPUTS": classes or 1, "EPOCHS": recipe.epochs, "RATE": recipe.rate,
                        "WEIGHT_DECAY": recipe.weight_decay}
    given: dict[str, str] = {
        "share": share, "share_said": said, "warm": warm if recipe.warmup else "",
        "batch": f"min(rows, {made.recipe['batch']})" if "batch" in made.recipe else
        f"int(np.clip(2 ** round(np.log2(rows / 32)), 32, {most})) if rows > 32 else 32",
        "smoothing": f", label_smoothing={smooth!r}" if smooth else "",
        "validation": repr(float(made.validation)),
        "clip": "" if recipe.clip is None else
        f"            nn.utils.clip_grad_norm_(learnt, {recipe.clip!r})  # no step too long\n",
        "clipped": "" if recipe.clip is None else
        "    learnt = [each for group in optimizer.param_groups for each in group[\"params\"]]\n",
        "aim": "    target = torch.from_numpy(y.astype(np.int64))" if classes else
        "    centre, spread = y.mean(), y.std() or 1.0\n"
        "    target = torch.from_numpy(((y - centre) / spread).astype(np.float32))",
        "with_spread": " and what it reads" if classes else
        ", what it reads, and the target's centre and spread",
        "spread": "" if classes else ", centre, spread"}
    found.facts = {"apart": "", "apart_said": "", "fold": "", **found.facts, **given}
    found.facts["groups"] = "network.groups()" if name == "realmlp" else "groups(network)"
    if name == "realmlp":
        return
    if recipe.weight_decay:
        found.names.add("groups_decayed")
    else:
        found.facts["groups"] = "network.parameters()"


def _seeds(made: Any, recipe: Any, found: Pieces) -> None:
    lesson = seeds.derive(made.random_state, "lesson", 0)
    found.constants |= {
        "WEIGHTS_SEED": seeds.derive(made.random_state, "weights"),
        "HELD_OUT_SEED": seeds.derive(lesson, "held out"),
        "ORDER_SEED": seeds.derive(recipe.seed, "order"),
        "DROPOUT_SEED": seeds.derive(recipe.seed, "torch")}


def _threads(
    made: Any, name: str, recipe: Any, sizes: tuple[int, list[int]], classes: int, rows: int,
    found: Pieces,
) -> None:
    """As many threads as the fit had: few for a network with little to do a step."""
    import numpy as np
    import torch

    from wholefit.models._networks import _learn
    from wholefit.nn.quiet import threads_for

    width, codes = sizes
    module = _learn.made({
        **made.network, "inputs": width + sum(codes) * (name == "mlp"), "outputs": classes or 1,
        **({"levels": codes} if codes and name != "mlp" else {})}, 0)
    learnt = np.empty((rows - round(rows * made.validation), 0))
    found.constants["THREADS"] = threads_for(
        module, recipe, learnt, torch.device("cpu"), made.jobs) or 1


def _stopping(recipe: Any, found: Pieces) -> None:
    """Judging by rows held out, and the best weights put back."""
    found.facts |= {"best": "", "stopping": ""}
    if recipe.patience is None:
        return
    found.names.add("judged")
    found.constants["PATIENCE"] = recipe.patience
    found.facts["best"] = "    best, least, worse = None, math.inf, 0\n"
    found.facts["stopping"] = _STOPPING


def _clock(counted: Sequence[Mapping[str, Any]] | None, found: Pieces) -> None:
    """What a clock made of the plan, done again by count."""
    put_back = "    if best is not None:\n        network.load_state_dict(best)\n"
    if not any(each for each in counted or ()):
        found.facts |= {"plan": "    steps, done = EPOCHS * -(-rows // batch), 0",
                        "place": "done, steps", "after": "            done += 1\n"}
    else:
        found.names.add("plan")
        assert counted is not None
        fold = "[fold]" if len(counted) > 1 else "[0]"
        found.constants |= {
            "CHANGES": [[tuple(pair) for pair in (each or {}).get("plan", ())] for each in counted],
            "STEPS": [int((each or {}).get("steps", 0)) for each in counted]}
        found.facts |= {
            "plan": f"    plan = Plan(EPOCHS * -(-rows // batch), CHANGES{fold})",
            "place": "plan.place(), plan.total",
            "after": "            plan.advance()\n"
                     f"            if plan.done == STEPS{fold}:  # the time was up here\n"
                     "                break\n"}
        found.facts["stopping"] += (f"        if plan.done == STEPS{fold}:\n"
                                    "            break\n")
    if found.facts["best"]:
        found.facts["stopping"] += put_back
