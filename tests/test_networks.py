"""The CNNs that come with the package: what they are, that their files are whole, that the cards say the truth."""

import hashlib
import json
import re
import shutil

import numpy as np
import pytest
import safetensors
import torch
from torch import nn
from torchvision.models import AlexNet

from equibook import networks, train_networks

THREE_PARTS = re.compile(r"^`\w+` must .+, got .+\. [A-Z].+\.$", re.DOTALL)
MOST_BYTES = {"lenet": 300_000, "alexnet_trunk": 6_000_000}
IMAGES = {
    "lenet": torch.rand(2, 1, 32, 32, generator=torch.Generator().manual_seed(0)),
    "alexnet_trunk": torch.rand(2, 1, 63, 63, generator=torch.Generator().manual_seed(0)),
}
EVERY = pytest.mark.parametrize("name", networks.NAMES)


@pytest.fixture
def shipped(tmp_path):
    """Return a copy of the weights that come with the package, to be damaged."""
    return shutil.copytree(networks.WEIGHTS, tmp_path / "weights")


class TestArchitectures:
    def test_the_trunk_is_that_of_torchvision(self):
        ours, theirs = networks.build("alexnet_trunk").features, AlexNet().features
        assert len(ours) == len(theirs)
        for our, their in zip(ours, theirs, strict=True):
            assert repr(our) == repr(their).replace("inplace=True", "")
        assert {key: p.shape for key, p in ours.named_parameters()} == {
            key: p.shape for key, p in theirs.named_parameters()
        }

    def test_the_trunk_loads_straight_into_torchvision(self):
        ours, theirs = networks.load("alexnet_trunk"), AlexNet().eval()
        keys = theirs.load_state_dict(ours.state_dict(), strict=False)
        assert sorted(keys.unexpected_keys) == ["head.bias", "head.weight"]
        assert all(key.startswith("classifier.") for key in keys.missing_keys)
        x = networks.preprocess("alexnet_trunk", IMAGES["alexnet_trunk"])
        assert torch.equal(ours.features(x), theirs.features(x))

    def test_every_grid_of_the_trunk_is_centred(self):
        def centred(size):
            for layer in networks.build("alexnet_trunk").features:
                if isinstance(layer, nn.Conv2d | nn.MaxPool2d):
                    kernel, stride, padding = (
                        np.max(getattr(layer, key)) for key in ("kernel_size", "stride", "padding")
                    )
                    if (size + 2 * padding - kernel) % stride:
                        return False
                    size = (size + 2 * padding - kernel) // stride + 1
            return True

        assert centred(63) and not centred(64)

    def test_lenet_has_the_sizes_of_lenet_5(self):
        x, shapes = torch.zeros(1, 1, 32, 32), []
        for layer in networks.build("lenet"):
            x = layer(x)
            if isinstance(layer, nn.Conv2d | nn.MaxPool2d | nn.Linear):
                shapes.append(tuple(x.shape[1:]))
        assert shapes == [(6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5), (120,), (84,), (10,)]

    def test_no_relu_overwrites_what_it_reads(self):
        for name in networks.NAMES:
            relus = [layer for layer in networks.build(name).modules() if isinstance(layer, nn.ReLU)]
            assert relus and not any(layer.inplace for layer in relus)

    @EVERY
    def test_the_start_is_that_of_its_seed(self, name):
        first, again, other = (networks.build(name, random_state=seed).state_dict() for seed in (3, 3, 4))
        assert all(torch.equal(first[key], again[key]) for key in first)
        assert not any(torch.equal(first[key], other[key]) for key in first)

    @EVERY
    def test_it_is_built_in_the_dtype_asked_for(self, name):
        assert {p.dtype for p in networks.build(name).parameters()} == {torch.float32}
        assert {p.dtype for p in networks.build(name, dtype=torch.float64).parameters()} == {torch.float64}

    @EVERY
    def test_the_global_generator_is_left_alone(self, name):
        before = torch.get_rng_state()
        networks.build(name)
        networks.load(name)
        assert torch.equal(torch.get_rng_state(), before)


class TestShippedWeights:
    @EVERY
    def test_the_accuracies_on_the_card_are_those_of_the_weights(self, name):
        network, card = networks.load(name), networks.card(name)
        _, X, _, y = train_networks.split_digits(name)
        turned = train_networks.turn_at_random(X, random_state=card["seed"])
        one_image = 1.5 / len(X)  # of which the answer may change with the last bits of its score
        assert train_networks.accuracy(name, network, X, y) == pytest.approx(card["accuracy"], abs=one_image)
        assert train_networks.accuracy(name, network, turned, y) == pytest.approx(
            card["accuracy_turned"], abs=one_image
        )
        untrained = networks.build(name).eval()
        assert train_networks.accuracy(name, untrained, X, y) < 0.3

    def test_upright_digits_are_read_and_turned_ones_are_not(self):
        cards = {name: networks.card(name) for name in networks.NAMES}
        assert cards["lenet"]["accuracy"] >= 0.98 and cards["alexnet_trunk"]["accuracy"] >= 0.985
        assert all(card["accuracy_turned"] < 0.4 for card in cards.values())

    @EVERY
    def test_the_file_is_what_the_card_says(self, name):
        path, card = networks.WEIGHTS / f"{name}.safetensors", networks.card(name)
        data = path.read_bytes()
        assert hashlib.sha256(data).hexdigest() == card["sha256"]
        assert len(data) <= MOST_BYTES[name]
        with safetensors.safe_open(path, "pt") as file:
            assert file.metadata() == {"network": name}
            keys = file.keys()
            tensors = [file.get_tensor(key) for key in keys]
        assert {str(tensor.dtype) for tensor in tensors} == {f"torch.{card['stored_in']}"}
        assert sum(tensor.numel() for tensor in tensors) == card["n_weights"]

    @EVERY
    def test_the_card_says_how_the_weights_were_made(self, name):
        card, recipe = networks.card(name), train_networks.RECIPES[name]
        assert (card["name"], card["file"]) == (name, f"{name}.safetensors")
        assert (card["n_train"], card["n_test"], card["seed"]) == (1000, 797, 0)
        assert (card["epochs"], card["batch_size"]) == (recipe.epochs, recipe.batch_size)
        for key in ("learning_rate", "shift", "label_smoothing"):
            assert card[key] == getattr(recipe, key)
        assert card["input"] == dict(zip(("channels", "size"), networks.INPUT[name], strict=True)) | {"range": [0, 1]}
        assert f"load_digits(size={networks.INPUT[name][1]})" in card["data"]
        assert set(card["versions"]) == {"numpy", "safetensors", "scikit-learn", "torch"}

    @EVERY
    def test_it_is_loaded_ready_to_read(self, name):
        network = networks.load(name)
        assert not network.training
        assert {p.dtype for p in network.parameters()} == {torch.float32}
        assert all(torch.isfinite(p).all() for p in network.parameters())
        assert network(networks.preprocess(name, IMAGES[name])).shape == (2, 10)
        assert sum(p.numel() for p in network.parameters()) == networks.card(name)["n_weights"]


class TestDamagedFiles:
    def test_a_copy_is_as_good(self, shipped):
        ours, copied = networks.load("lenet"), networks.load("lenet", shipped)
        assert all(torch.equal(p, q) for p, q in zip(ours.parameters(), copied.parameters(), strict=True))

    @pytest.mark.parametrize(
        "damage",
        [
            lambda data: data[:-1] + bytes([data[-1] ^ 1]),
            lambda data: data[:1000],
            lambda data: b"",
        ],
        ids=["one bit", "cut off", "empty"],
    )
    def test_a_damaged_file_is_refused_before_it_is_read(self, shipped, damage, monkeypatch):
        path = shipped / "lenet.safetensors"
        path.write_bytes(damage(path.read_bytes()))
        monkeypatch.setattr(networks.safetensors.torch, "load", lambda data: pytest.fail("a damaged file was read"))
        with pytest.raises(ValueError, match=r"'lenet\.safetensors' as the card has it") as caught:
            networks.load("lenet", shipped)
        assert THREE_PARTS.match(str(caught.value)) and "train_networks lenet" in str(caught.value)

    @pytest.mark.parametrize("file", ["lenet.safetensors", "lenet.json"])
    def test_a_missing_file_is_named(self, shipped, file, monkeypatch):
        (shipped / file).unlink()
        monkeypatch.setattr(networks, "WEIGHTS", shipped)
        with pytest.raises(FileNotFoundError, match=f"`folder` must hold '{file}'") as caught:
            networks.load("lenet")
        assert THREE_PARTS.match(str(caught.value)) and "train_networks lenet" in str(caught.value)

    @pytest.mark.parametrize("text", ["{", "[]", '{"name": "lenet"}', "\udcff"])
    def test_a_damaged_card_is_refused(self, shipped, text):
        (shipped / "lenet.json").write_bytes(text.encode(errors="surrogateescape"))
        with pytest.raises(ValueError, match=r"must hold a card in 'lenet\.json'") as caught:
            networks.load("lenet", str(shipped))
        assert THREE_PARTS.match(str(caught.value))

    def test_the_card_of_another_file_does_not_pass(self, shipped):
        other = json.loads((shipped / "alexnet_trunk.json").read_text())
        (shipped / "lenet.json").write_text(json.dumps(other))
        with pytest.raises(ValueError, match="as the card has it"):
            networks.load("lenet", shipped)


class TestPreprocess:
    def test_lenet_takes_images_as_they_are(self):
        assert torch.equal(networks.preprocess("lenet", IMAGES["lenet"]), IMAGES["lenet"])

    def test_the_trunk_takes_grey_three_times_and_colour_as_it_is(self):
        grey = IMAGES["alexnet_trunk"]
        seen = networks.preprocess("alexnet_trunk", grey.numpy())
        assert all(torch.equal(seen[:, channel], grey[:, 0]) for channel in range(3))
        colour = torch.rand(2, 3, 63, 63, generator=torch.Generator().manual_seed(1))
        assert torch.equal(networks.preprocess("alexnet_trunk", colour), colour)

    def test_the_dtype_is_kept(self):
        assert networks.preprocess("lenet", IMAGES["lenet"].double()).dtype == torch.float64

    def test_images_are_never_written_to(self):
        seen = networks.preprocess("alexnet_trunk", IMAGES["alexnet_trunk"])
        before = IMAGES["alexnet_trunk"].clone()
        seen[:, 0] += 1  # one channel is not another's memory
        assert torch.equal(IMAGES["alexnet_trunk"], before) and torch.equal(seen[:, 1:2], before)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: networks.build("resnet"), "`name` must be one of 'lenet', 'alexnet_trunk', got 'resnet'"),
        (lambda: networks.load("resnet"), "`name` must be one of"),
        (lambda: networks.card("../lenet"), "`name` must be one of"),
        (lambda: networks.preprocess("resnet", IMAGES["lenet"]), "`name` must be one of"),
        (
            lambda: networks.preprocess("lenet", IMAGES["alexnet_trunk"]),
            r"`images` must have 32 x 32 pixels for 'lenet', got 63 x 63\. .+load_digits\(size=32\)",
        ),
        (
            lambda: networks.preprocess("lenet", torch.zeros(1, 3, 32, 32)),
            "`images` must have 1 channel for 'lenet', got 3",
        ),
        (
            lambda: networks.preprocess("alexnet_trunk", torch.zeros(1, 2, 63, 63)),
            "`images` must have 1 or 3 channels for 'alexnet_trunk', got 2",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert THREE_PARTS.match(str(caught.value))
