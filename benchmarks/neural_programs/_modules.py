"""The modules that every PyTorch writing trains: textbook networks, as textbooks write them."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class Iris(nn.Module):
    """4-10-10-3."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2, self.fc3 = nn.Linear(4, 10), nn.Linear(10, 10), nn.Linear(10, 3)

    def forward(self, x: Any) -> Any:
        return self.fc3(torch.relu(self.fc2(torch.relu(self.fc1(x)))))


class Digits(nn.Module):
    """Two convolutions without padding, 225,034 numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 3), nn.Conv2d(32, 64, 3)
        self.pool = nn.MaxPool2d(2)
        self.fc1, self.fc2 = nn.Linear(1600, 128), nn.Linear(128, 10)

    def forward(self, x: Any) -> Any:
        x = self.pool(torch.relu(self.conv1(x)))
        x = self.pool(torch.relu(self.conv2(x)))
        return self.fc2(torch.relu(self.fc1(x.flatten(1))))


class Things(nn.Module):
    """Two convolutions with padding, 2,122,186 numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 32, 3, padding=1), nn.Conv2d(32, 64, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.fc1, self.fc2 = nn.Linear(4096, 512), nn.Linear(512, 10)

    def forward(self, x: Any) -> Any:
        x = self.pool(torch.relu(self.conv1(x)))
        x = self.pool(torch.relu(self.conv2(x)))
        return self.fc2(torch.relu(self.fc1(x.flatten(1))))


class Series(nn.Module):
    """A recurrent layer of 20 on 10 channels; its last step to five classes."""

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.rnn, self.fc = kind(10, 20, batch_first=True), nn.Linear(20, 5)

    def forward(self, x: Any) -> Any:
        return self.fc(self.rnn(x)[0][:, -1])


class Reviews(nn.Module):
    """Word vectors of 100, a recurrent layer of 256, two classes."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.rnn = nn.Embedding(10_000, 100), nn.RNN(100, 256, batch_first=True)
        self.fc = nn.Linear(256, 2)

    def forward(self, x: Any) -> Any:
        return self.fc(self.rnn(self.embedding(x))[0][:, -1])


class Autoencoder(nn.Module):
    """784-128-32-128-784, 209,968 numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 32), nn.ReLU())
        self.decoder = nn.Sequential(nn.Linear(32, 128), nn.ReLU(), nn.Linear(128, 784),
                                     nn.Sigmoid())

    def forward(self, x: Any) -> Any:
        return self.decoder(self.encoder(x))


class Transformer(nn.Module):
    """One encoder layer, d 512, 8 heads, 2,048 wide (3,152,384 numbers), the mean, two classes."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(512, 8, 2048, dropout=0.1, batch_first=True)
        self.fc = nn.Linear(512, 2)

    def forward(self, x: Any) -> Any:
        return self.fc(self.layer(x).mean(1))


class Characters(nn.Module):
    """Character vectors of 64, an LSTM of 128, 1,000 characters at most: 292,328 numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.lstm = nn.Embedding(1000, 64), nn.LSTM(64, 128, batch_first=True)
        self.fc = nn.Linear(128, 1000)

    def forward(self, x: Any) -> Any:
        return self.fc(self.lstm(self.embedding(x))[0])


class Generator(nn.Module):
    """100-128-256-784 with batch norm, 247,952 numbers; the image as 784 numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.model = nn.Sequential(
            nn.Linear(100, 128), nn.LeakyReLU(0.2), nn.Linear(128, 256), nn.BatchNorm1d(256),
            nn.LeakyReLU(0.2), nn.Linear(256, 784), nn.Tanh())

    def forward(self, z: Any) -> Any:
        return self.model(z)


class Discriminator(nn.Module):
    """784-128-64-1, 108,801 numbers; a logit."""

    def __init__(self) -> None:
        super().__init__()
        self.model = nn.Sequential(
            nn.Linear(784, 128), nn.LeakyReLU(0.2), nn.Linear(128, 64), nn.LeakyReLU(0.2),
            nn.Linear(64, 1))

    def forward(self, x: Any) -> Any:
        return self.model(x).squeeze(1)


_MADE = {"iris_mlp": Iris, "mnist_cnn": Digits, "cifar_cnn": Things,
         "simple_rnn": lambda: Series(nn.RNN), "lstm": lambda: Series(nn.LSTM),
         "imdb_rnn": Reviews, "autoencoder": Autoencoder, "transformer": Transformer,
         "char_lstm": Characters}


def make(name: str, seed: int) -> Any:
    """The module of a program, its weights drawn from the seed."""
    torch.manual_seed(seed)
    return _MADE[name]()


def loss_of(kind: str) -> Any:
    """The loss of (output, target)."""
    if kind == "pixels":
        return nn.functional.mse_loss
    if kind == "tokens":
        return lambda out, target: nn.functional.cross_entropy(out.transpose(1, 2), target)
    return nn.functional.cross_entropy


def optimizer_of(program: Any) -> Any:
    """The class, and its options besides the rate."""
    return ((torch.optim.SGD, {"momentum": 0.9}) if program.optimizer == "momentum"
            else (torch.optim.Adam, {}))


def quality(kind: str, module: Any, data: Any) -> float:
    """Accuracy on the test rows, or their loss where there are no classes."""
    trains = module.training
    module.eval()
    with torch.no_grad():
        outs = [module(torch.from_numpy(part)) for part in
                (data["x_test"][at:at + 500] for at in range(0, len(data["x_test"]), 500))]
        module.train(trains)
        out, truth = torch.cat(outs), torch.from_numpy(data["y_test"])
        if kind == "classes":
            return float((out.argmax(1) == truth).float().mean())
        return float(loss_of(kind)(out, truth))
