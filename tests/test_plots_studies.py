"""Figures of a study."""

import numpy as np
import pytest

from equibook import GlassBoxClassifier, datasets
from equibook.plots import plot_at_angle, plot_case
from equibook.shares import Share


@pytest.fixture(scope="module")
def drawn():
    return datasets.load_shapes(12, classes=("L", "star"), random_state=0)


def test_a_case_shows_its_parts(drawn):
    X, y = drawn
    why = GlassBoxClassifier().fit(X, y).explain(X[:1])
    figure = plot_case(X[:1], why, truth="L", said="star")
    seen, map_, by_scale, by_k = figure.axes[:4]
    assert "wrong: it is L" in figure.get_suptitle() and "called star" in figure.alt
    assert np.allclose(map_.images[0].get_array(), why.pixels[0, 0])
    for ax, by in ((by_scale, "scale"), (by_k, "k")):
        assert [bar.get_height() for bar in ax.patches] == [part[0] for part in why.group(by).values()]
    assert "(right)" in plot_case(X[:1], why, truth="L", said="L").get_suptitle()
    assert seen.get_title(loc="left") == "The image"


def test_shares_stand_at_their_places(drawn):
    shares = {"pixels": Share(10, 20), "glass box": Share(19, 20)}
    figure = plot_at_angle(drawn[0][:5], shares, angle=30, guessing=0.5)
    low = figure.axes[1]
    marks = [line.get_xdata() for line in low.lines]
    assert np.allclose(marks[0], 100 * np.array(shares["pixels"].interval)) and np.allclose(marks[3], 95)
    assert "30°" in figure.alt and str(shares["glass box"]) in figure.alt
    assert figure.axes[0].get_title(loc="left") == "Turned by 30°"
