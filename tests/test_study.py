"""The study: its figures are those of held-out images, its sentences follow from them, its cases add up."""

import re

import numpy as np
import pytest

from equibook import GlassBoxClassifier, Representation, actions, datasets
from equibook.advice import advise, format_study
from equibook.cases import can_explain, choose_telling, choose_wrong, explain_case
from equibook.held_out import TURNED, UPRIGHT
from equibook.sides import ALEXNET, GLASS, PIXELS, SIDES
from equibook.study import ANGLES, study_images


@pytest.fixture(scope="module")
def drawn():
    return datasets.load_shapes(60, classes=("L", "triangle", "star"), random_state=0)


@pytest.fixture(scope="module")
def study(drawn):
    return study_images(*drawn, weights="digits")


@pytest.fixture(scope="module")
def photographs():
    X, y = datasets.load_photographs(size=32)
    rows = np.random.default_rng(0).permutation(len(y))[:60]
    return study_images(X[rows], y[rows], translation="fixed", classifier="lda", weights="digits")


class TestFigures:
    def test_what_is_claimed(self, study):
        assert study.right(GLASS).value >= 0.95 and study.right(GLASS, TURNED).value >= 0.95
        for side in (PIXELS, ALEXNET):
            assert study.right(side).value >= 0.9 and study.right(side, TURNED).value <= 0.75

    def test_shuffled_labels_are_read_at_chance(self, drawn):
        X, y = drawn
        y = np.random.default_rng(1).permutation(y)
        shuffled = study_images(X, y, translation="fixed", weights="digits")
        for side in SIDES:
            assert shuffled.right(side).interval[0] <= 1 / 3
            assert shuffled.right(side, TURNED).interval[0] <= 1 / 3

    def test_each_image_is_read_by_a_model_without_it(self, drawn, study):
        X, y = drawn
        i = 2
        layer_1 = Representation(translation=study.translations[i])
        apart = GlassBoxClassifier("nearest_mean", representation=layer_1).fit(X[study.folds != i], y[study.folds != i])
        held_out = study.folds == i
        assert np.array_equal(study.said[GLASS][UPRIGHT][held_out], apart.predict(X[held_out]))
        turned = actions.rotate(X[held_out], study.angles[held_out])
        assert np.array_equal(study.said[GLASS][TURNED][held_out], apart.predict(turned))
        assert np.allclose(study.models[i].decision_function(X[:5]), apart.decision_function(X[:5]), rtol=1e-4)
        scores = np.sort(apart.decision_function(X[held_out]), axis=1)
        assert np.allclose(study.margin[held_out], scores[:, -1] - scores[:, -2], rtol=1e-3)

    def test_the_model_is_that_of_all_images(self, drawn, study):
        X, y = drawn
        layer_1 = Representation(translation=study.model.representation_.translation)
        whole = GlassBoxClassifier("nearest_mean", representation=layer_1).fit(X, y)
        assert np.allclose(study.model.decision_function(X), whole.decision_function(X), rtol=1e-4, atol=1e-4)
        assert study.model.novelty_.usual_ == pytest.approx(whole.novelty_.usual_)
        assert study.model.get_params()["representation__translation"] == layer_1.translation

    def test_by_angle_starts_with_the_upright_ones(self, study):
        for side in SIDES:
            shares = study.by_angle[side]
            assert len(shares) == len(ANGLES) and {share.n for share in shares} == {60}
            assert shares[0].n_right == study.right(side).n_right
        assert min(share.value for share in study.by_angle[PIXELS]) <= 0.6

    def test_separation_grows_in_the_glass_box_alone(self, study):
        ratio = {side: next(iter(layers.values())).ratio for side, layers in study.separation.items()}
        assert ratio[GLASS] > max(ratio[PIXELS], ratio[ALEXNET])
        assert [list(layers) for layers in study.separation.values()] == [
            ["pixels", "Layer 2"], ["Layer 1", "Layer 2"], ["pool5", "Layer 2"],
        ]  # fmt: skip

    def test_confusions_are_counted(self, photographs):
        counted = photographs.confusions()
        right = photographs.right(GLASS)
        assert sum(counted.values()) == right.n - right.n_right
        assert list(counted.values()) == sorted(counted.values(), reverse=True)
        assert all(truth != said for truth, said in counted)

    def test_what_is_given_stays(self, drawn):
        X, y = drawn
        before = X.copy(), y.copy()
        study_images(X[:12], y[:12], translation="pool", weights="digits")
        assert np.array_equal(X, before[0]) and np.array_equal(y, before[1])

    def test_two_images_of_two_classes_are_enough(self):
        X, y = datasets.load_shapes(4, classes=("L", "disc"), random_state=0)
        found = study_images(X, y, weights="digits")
        assert len(found.models) == 2 and found.right(GLASS).n == 4
        assert "images are few" in " ".join(advise(found))

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"classifier": "forest"}, "`classifier` must be one of 'nearest_mean'"),
            ({"translation": "free"}, "`translation` must be one of 'auto', 'fixed'"),
            ({"invariant": "none"}, "`invariant` must be one of"),
            ({"weights": "mine"}, "`weights` must be one of"),
        ],
    )
    def test_bad_input(self, drawn, options, message):
        with pytest.raises(ValueError, match=re.escape(message)):
            study_images(*drawn, **options)

    def test_unknown_names(self, study):
        with pytest.raises(ValueError, match=re.escape("`side` must be one of 'pixels'")):
            study.right("eyes")
        with pytest.raises(ValueError, match=re.escape("`view` must be one of 'upright', 'turned'")):
            study.right(GLASS, "mirrored")


class TestAdvice:
    def test_it_says_what_the_figures_support(self, study):
        said = " ".join(advise(study))
        assert re.search(r"Turned, pixels fall from \d+% to \d+%\.", said)
        assert "Turned, the glass box reads as well as upright" in said
        assert "If your images may lie at any angle, the glass box is the one to take" in said
        assert "Upright, the three cannot be told apart: their intervals overlap." in said
        assert "Pixels tell your classes apart already" in said
        assert "most frequent class" not in said and "images are few" not in said

    def test_it_says_nothing_that_they_do_not(self, photographs):
        said = " ".join(advise(photographs))
        assert "fall from" not in said and "Pixels tell" not in said
        assert photographs.right(GLASS).overlaps(photographs.right(PIXELS))
        assert "the three cannot be told apart" in said or "overlaps." in said

    def test_chance_and_few_images_are_told(self):
        X, y = datasets.load_shapes(20, classes=("L", "J"), random_state=0)
        y = np.where(np.arange(20) < 16, "many", "few")
        said = " ".join(advise(study_images(X, y, translation="fixed", weights="digits")))
        assert "may be no better than always saying the most frequent class" in said
        assert "20 images are few" in said and "80% of the images are of one class" in said

    def test_the_table_fits_a_terminal_and_shows_the_numbers(self, study, photographs):
        for found in (study, photographs):
            table = format_study(found)
            assert str(found) == table and max(map(len, table.splitlines())) <= 80
            for side in SIDES:
                assert str(found.right(side)) in table and str(found.right(side, TURNED)) in table
                assert all(f"{one.fisher:.4f}" in table for one in found.separation[side].values())


class TestCases:
    def test_the_surest_of_each_class(self, study):
        rows = choose_telling(study)
        assert len(rows) == 9 and study.labels[rows].tolist() == ["L"] * 3 + ["star"] * 3 + ["triangle"] * 3
        right = (study.said[GLASS][UPRIGHT] == study.labels) & (study.labels == "L")
        assert study.margin[rows[0]] == study.margin[right].max()

    def test_the_surest_mistakes(self, photographs):
        rows = choose_wrong(photographs)
        wrong = photographs.said[GLASS][UPRIGHT] != photographs.labels
        assert 0 < len(rows) <= 6 and wrong[rows].all()
        assert photographs.margin[rows[0]] == photographs.margin[wrong].max()

    def test_parts_sum_to_what_was_said_of_the_held_out_image(self, study, photographs):
        for found in (study, photographs):
            for row in [*choose_telling(found)[:2], *choose_wrong(found)[:1]]:
                case = explain_case(found, row)
                assert case.said == found.said[GLASS][UPRIGHT][row] and case.truth == found.labels[row]
                assert case.why.score[0] == pytest.approx(found.margin[row], rel=1e-3)
                assert case.why.gap()[0] <= 1e-9 * max(1, abs(case.why.score[0])) and case.against != case.said
                average = case.why.bias[0] + case.why.reference[0].sum()
                for parts in case.parts().values():
                    assert sum(parts.values()) == pytest.approx(case.why.score[0] - average)

    def test_votes_cannot_be_explained(self, study):
        import dataclasses

        assert can_explain(study)
        assert not can_explain(dataclasses.replace(study, classifier="rbf_svm"))
