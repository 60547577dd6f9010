"""Bases are stored, read again and refused: files of ours, artifacts, folders, downloads."""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch (extra deep)")

from safetensors.torch import save  # noqa: E402

from wholefit.base.errors import ArtifactError, DataError, StateError  # noqa: E402
from wholefit.nn import networks, predict, transfer  # noqa: E402
from wholefit.nn.transfer import convert  # noqa: E402
from wholefit.nn.transfer.download import download  # noqa: E402


def test_a_base_is_the_same_after_its_file(base: Any, tmp_path: Path) -> None:
    base.save(tmp_path / "b.safetensors")
    again = transfer.load(tmp_path / "b.safetensors")
    assert again.sha256 == base.sha256
    assert (again.made_of, again.picture, again.name) == (base.made_of, base.picture, base.name)
    x = np.random.default_rng(0).normal(size=(4, 3, 12, 12)).astype(np.float32)
    np.testing.assert_array_equal(predict(again.module, [x]), predict(base.module, [x]))


def test_a_network_of_no_registry_is_not_stored(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="@network"):
        transfer.load(torch.nn.Linear(3, 2)).save(tmp_path / "x.safetensors")


@pytest.mark.parametrize(("words", "said"), [
    (None, "does not say"),
    ({"made_of": {"network": "mlp", "inputs": 3, "outputs": 10**12}}, "so large"),
    ({"made_of": {"network": "mlpp", "inputs": 3, "outputs": 2}}, "cannot be made"),
    ({"made_of": {"network": "mlp", "inputs": 3, "outputs": 2, "hiden": [3]}}, "cannot be made"),
    ({"made_of": {"network": "mlp", "inputs": 5, "outputs": 2}}, "do not fit"),
    ({"made_of": [1]}, "does not say"),
    ({"made_of": {"network": "mlp", "inputs": 3, "outputs": 2, "hidden": []},
      "picture": {"size": 9, "mean": [1], "spread": [0]}}, "prepared"),
])
def test_hostile_files_are_refused(tmp_path: Path, words: Any, said: str) -> None:
    kept = {"layers.0.weight": torch.zeros(2, 3), "layers.0.bias": torch.zeros(2)}
    meta = None if words is None else {"wholefit": json.dumps(words)}
    path = tmp_path / "h.safetensors"
    path.write_bytes(save(kept, metadata=meta))
    with pytest.raises(StateError, match=said):
        transfer.load(path)


@pytest.mark.parametrize("cut", [0, 4, 8, 60, -3])
def test_a_cut_file_is_refused(base: Any, tmp_path: Path, cut: int) -> None:
    path = tmp_path / "c.safetensors"
    path.write_bytes(base.to_bytes()[:cut])
    with pytest.raises(StateError):
        transfer.load(path)


def test_what_is_no_base_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no base is at"):
        transfer.load(tmp_path / "absent.safetensors")
    (tmp_path / "x.pth").write_bytes(b"x")
    with pytest.raises(DataError, match="convert"):
        transfer.load(tmp_path / "x.pth")
    with pytest.raises(DataError, match="path, an id"):
        transfer.load(3)
    with pytest.raises(DataError, match="config"):
        transfer.load(tmp_path)
    (tmp_path / "bad.wf").write_bytes(b"PK\x03\x04 no zip")
    with pytest.raises(ArtifactError, match="cannot be read"):
        transfer.load(tmp_path / "bad.wf")


def test_weights_that_torch_wrote_run_no_code(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "ran",))

    torch.save({"a": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(DataError, match="weights alone"):
        convert.torch_weights(tmp_path / "evil.pth")
    assert not (tmp_path / "ran").exists()
    torch.save({"a": torch.ones(2), "b": 3}, tmp_path / "mixed.pth")
    with pytest.raises(DataError, match="tensors by name"):
        convert.torch_weights(tmp_path / "mixed.pth")
    torch.save({"a": torch.ones(2)}, tmp_path / "good.pth")
    assert torch.equal(convert.torch_weights(tmp_path / "good.pth")["a"], torch.ones(2))


def test_of_a_trainings_checkpoint_the_models_weights_are_read(tmp_path: Path) -> None:
    module = torch.nn.Linear(2, 1)
    optimizer = torch.optim.Adam(module.parameters())
    module(torch.ones(3, 2)).sum().backward()
    optimizer.step()
    torch.save({"epoch": 3, "model_state_dict": module.state_dict(), "loss_history": [0.5, 0.4],
                "optimizer_state_dict": optimizer.state_dict()}, tmp_path / "checkpoint.pth")
    found = convert.torch_weights(tmp_path / "checkpoint.pth")
    assert set(found) == {"weight", "bias"} and torch.equal(found["weight"], module.weight)


def test_shards_of_plain_numbers(tmp_path: Path) -> None:
    first, second = np.arange(6, dtype="<f4"), np.arange(4, dtype="<f4")
    (tmp_path / "s1").write_bytes(first.tobytes() + second.tobytes()[:8])
    (tmp_path / "s2").write_bytes(second.tobytes()[8:])
    entries = [{"name": "a", "shape": [2, 3], "dtype": "float32"},
               {"name": "b", "shape": [4], "dtype": "float32"}]

    def write(weights: Any, paths: Any = ("s1", "s2")) -> None:
        (tmp_path / "model.json").write_text(json.dumps(
            {"weightsManifest": [{"weights": weights, "paths": list(paths)}]}))

    write(entries)
    found = convert.layers_weights(tmp_path)
    np.testing.assert_array_equal(found["a"], first.reshape(2, 3))
    np.testing.assert_array_equal(found["b"], second)
    for wrong in ([entries[0]], [{**entries[0], "shape": [10**9, 10**9]}, entries[1]],
                  [{**entries[0], "dtype": "string"}, entries[1]],
                  [{**entries[0], "shape": [-2, -3]}, entries[1]]):
        write(wrong)
        with pytest.raises(DataError, match="with its shards"):
            convert.layers_weights(tmp_path)
    write(entries, ["../../etc/hostname", "s2"])
    with pytest.raises(DataError, match="hostname is no file"):
        convert.layers_weights(tmp_path)


def test_a_download_is_kept_under_its_checksum(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(b"weights")
    right = hashlib.sha256(b"weights").hexdigest()
    address = (tmp_path / "w.bin").as_uri()
    found = download(address, sha256=right, cache=tmp_path / "kept")
    assert found.read_bytes() == b"weights"
    (tmp_path / "w.bin").unlink()
    assert download(address, sha256=right, cache=tmp_path / "kept") == found
    (tmp_path / "w.bin").write_bytes(b"others")
    with pytest.raises(DataError, match="is not kept"):
        download(address, sha256="0" * 64, cache=tmp_path / "kept")
    assert len(list((tmp_path / "kept").iterdir())) == 1
    for address, sha in (("http://x/y", right), ("ftp://x", right), ("https://x", "abc")):
        with pytest.raises(DataError):
            download(address, sha256=sha, cache=tmp_path / "kept")


@pytest.mark.parametrize("broken", [
    http.client.IncompleteRead(b"x"), TimeoutError("slow"), KeyboardInterrupt()])
def test_a_download_that_breaks_off_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: BaseException
) -> None:
    class Stream(io.BytesIO):
        def read(self, *size: Any) -> bytes:
            if self.tell():
                raise broken
            return super().read(3)

    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: Stream(b"weights"))
    with pytest.raises(KeyboardInterrupt if isinstance(broken, KeyboardInterrupt) else DataError):
        download("https://example.org/w.bin", sha256="0" * 64, cache=tmp_path / "kept")
    assert not list((tmp_path / "kept").iterdir())


def test_a_network_of_another_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for timm and torchvision, which need not be installed."""
    def create_model(name: str, pretrained: bool = False, num_classes: int = 5) -> Any:
        made = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.AdaptiveAvgPool2d(1),
                                   torch.nn.Flatten(), torch.nn.Linear(4, num_classes))
        for value in made.parameters():
            torch.nn.init.constant_(value, 0.1 if pretrained else 0.0)
        made.pretrained_cfg = {"input_size": (3, 16, 16), "mean": (0.5,) * 3, "std": (0.25,) * 3}
        return made

    def get_model(name: str, weights: Any = None, num_classes: int = 5) -> Any:
        return create_model(name, pretrained=weights is not None, num_classes=num_classes)

    monkeypatch.setitem(sys.modules, "timm", types.SimpleNamespace(create_model=create_model))
    monkeypatch.setitem(sys.modules, "torchvision", types.SimpleNamespace(
        models=types.SimpleNamespace(get_model=get_model)))
    for library in ("timm", "torchvision"):
        found = transfer.load(f"{library}:tiny")
        assert float(next(found.module.parameters()).detach().mean()) == pytest.approx(0.1)
        found.save(tmp_path / f"{library}.safetensors")
        assert transfer.load(tmp_path / f"{library}.safetensors").sha256 == found.sha256
        module = transfer.headed(found, 2, size=8)
        assert module(torch.zeros(1, 3, 20, 20)).shape == (1, 2)
    assert transfer.load("timm:tiny").picture.size == 16
    monkeypatch.setitem(sys.modules, "timm", types.SimpleNamespace())
    with pytest.raises(DataError, match="timm did not give"):
        transfer.load("timm:tiny")


def test_parameter_counts_are_those_published() -> None:
    assert networks.parameters(networks.make("efficientnet_lite0", outputs=1000)) == 4_652_008
    # ResNet-50 has 25,557,032 with no offsets in its convolutions; Keras' form has 26,560 more.
    assert networks.parameters(networks.make("resnet50", outputs=1000)) == 25_557_032 + 26_560


@pytest.mark.parametrize("size", [32, 33, 47, 64])
def test_efficientnet_takes_pictures_of_any_side(size: int) -> None:
    module = networks.make("efficientnet_lite0", outputs=3).eval()
    with torch.inference_mode():
        assert module(torch.zeros(1, 3, size, size)).shape == (1, 3)
    assert module.stem(torch.zeros(1, 3, size, size)).shape[-1] == -(-size // 2)


def test_a_flattened_head_on_resnet50_is_larger_than_the_body() -> None:
    """A dense layer of 256 on all 7 x 7 x 2,048 places, beside one on their means: shapes alone."""
    places: list[Any] = []
    with torch.device("meta"):
        body = networks.make("resnet50", outputs=10).eval()
        body.blocks[-1].register_forward_hook(lambda module, given, out: places.append(out.shape))
        assert body(torch.zeros(1, 3, 224, 224)).shape == (1, 10)
        assert places == [(1, 2048, 7, 7)]
        flat = networks.make("mlp", inputs=places[0].numel(), hidden=[256], outputs=10)
        pooled = networks.make("pretrained", base=body.made_of, hidden=[256], outputs=10)
    last = 256 * 10 + 10
    assert networks.parameters(flat) - last == 25_690_368
    assert networks.parameters(pooled.head) - last == 2048 * 256 + 256 == 524_544
    below = networks.parameters(body) - networks.parameters(body.head)
    assert networks.parameters(pooled.body) == below < 25_690_368
