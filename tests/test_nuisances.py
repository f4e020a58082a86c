"""Blocks under nuisances: each figure against the library's own way to it; blocks that must help, and must not."""

import numpy as np
import pytest
import torch
from sklearn.model_selection import StratifiedKFold
from test_checks import THREE_PARTS

from equibook import GlassBoxClassifier, Representation, actions, datasets, disturbances
from equibook.nuisances import NuisanceTable, compare_under, disturb
from equibook.representation import Pixels

X, Y = datasets.load_digits(classes=(3, 8), size=16)
X, Y = X[:120], Y[:120]
BLOCKS = {
    "pixels": Pixels(),
    "fixed": Representation(invariant="power"),
    "centre": Representation(invariant="power", translation="centre"),
}
NUISANCES = {
    "none": lambda images: images,
    "turned": lambda images: actions.rotate(images, 90),
    "shifted": disturb("shift", 2),
}


@pytest.fixture(scope="module")
def found():
    return compare_under(BLOCKS, X, Y, NUISANCES, n_splits=3)


def test_accuracy_is_that_of_the_glass_box_on_the_parts_held_back(found):
    moved = {name: np.asarray(act(X)) for name, act in NUISANCES.items()}
    for k, (train, held) in enumerate(StratifiedKFold(3, shuffle=True, random_state=0).split(X, Y)):
        for i, block in enumerate(BLOCKS.values()):
            model = GlassBoxClassifier("lda", representation=block).fit(X[train], Y[train])
            for j, images in enumerate(moved.values()):
                assert found.accuracies[i, j, k] == pytest.approx(model.score(images[held], Y[held]))


def test_a_block_helps_against_its_nuisance_and_not_against_another(found):
    assert found.of("fixed", "turned") == pytest.approx(found.of("fixed", "none"), abs=0.02)
    assert found.of("pixels", "turned") < found.of("pixels", "none") - 0.2
    assert found.of("centre", "shifted") > found.of("fixed", "shifted") + 0.05
    assert found.best("shifted") == "centre"


def test_differences_are_taken_part_by_part():
    table = NuisanceTable(["a", "b"], ["none"], np.array([[[0.9, 0.8, 1.0]], [[0.8, 0.7, 0.9]]]), "lda")
    difference, margin = table.above("a", "b", "none")
    assert difference == pytest.approx(0.1) and margin == pytest.approx(0, abs=1e-12)
    assert table.above("b", "a", "none")[0] == pytest.approx(-0.1)
    wide = NuisanceTable(["a", "b"], ["none"], np.array([[[0.9, 0.7]], [[0.8, 0.8]]]), "lda")
    assert wide.above("a", "b", "none")[1] == pytest.approx(12.706 * 0.1, rel=1e-3)


def test_a_nuisance_is_the_same_each_time_and_that_of_disturbances():
    act = disturb("noise", 0.3, random_state=4)
    expected = disturbances.add_noise(torch.from_numpy(X), 0.3, np.random.default_rng(4))
    assert torch.equal(act(X), act(X)) and torch.equal(act(X), expected)
    assert not torch.equal(act(X), disturb("noise", 0.3)(X))


def test_tables_and_figure_say_it(found):
    lines = str(found).splitlines()
    assert len(lines) == 4 and lines[3].split()[0] == "centre" and len({len(line) for line in lines}) == 1
    assert lines[3].split()[-1] == f"{100 * found.of('centre', 'shifted'):.1f}"
    assert found._repr_html_().count("<tr>") == 4
    assert "shifted: best centre" in found.plot().alt


@pytest.mark.parametrize(
    ("blocks", "nuisances", "settings", "message"),
    [
        ({}, NUISANCES, {}, "`blocks` must hold at least one Representation, got none"),
        (BLOCKS, {}, {}, "`nuisances` must hold at least one callable, got none"),
        (BLOCKS, {"fewer": lambda images: images[:5]}, {}, "`nuisances` must return images of shape"),
        (BLOCKS, NUISANCES, {"n_splits": 500}, "`n_splits` must be from 2 to"),
        (BLOCKS, NUISANCES, {"classifier": "forest"}, "`classifier` must be one of"),
    ],
)
def test_bad_input(blocks, nuisances, settings, message):
    with pytest.raises(ValueError, match=message) as caught:
        compare_under(blocks, X, Y, nuisances, **settings)
    assert THREE_PARTS.match(str(caught.value))


def test_unknown_names(found):
    with pytest.raises(ValueError, match="`name` must be one of 'angle'"):
        disturb("rain", 1)
    for ask in (lambda: found.of("glass", "none"), lambda: found.above("pixels", "glass", "none")):
        with pytest.raises(ValueError, match="`block` must be one of 'pixels'"):
            ask()
    for ask in (
        lambda: found.of("pixels", "rain"),
        lambda: found.best("rain"),
        lambda: found.above("pixels", "fixed", "rain"),
    ):
        with pytest.raises(ValueError, match="`nuisance` must be one of 'none'"):
            ask()
