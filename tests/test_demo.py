"""The demo: what it measures is what the library measures, and no picture is half written."""

import re
from pathlib import Path

import numpy as np
import pytest

from equibook import GlassBoxClassifier, actions, cli, demo
from equibook.measure import class_separation
from equibook.representation import Pixels

THREE_PARTS = re.compile(r"^`\w+` must .+, got .+\. [A-Z].+\.$", re.DOTALL)


@pytest.fixture(scope="module")
def split():
    return demo.load_split((3, 8), 60, random_state=1)


@pytest.fixture(scope="module")
def result(split):
    X_train, X_test, y_train, y_test = split
    return demo.compare(X_train, y_train, X_test[:80], y_test[:80], classifiers=("nearest_mean", "qda"))


def never(*args, **kwargs):
    raise AssertionError("the long computation has begun")


class TestCompare:
    def test_accuracies_are_those_of_whole_models(self, split, result):
        X_train, X_test, y_train, y_test = split
        turned = actions.rotate(X_test[:80], result.angles)
        for name in ("nearest_mean", "qda"):
            whole = GlassBoxClassifier(name).fit(X_train, y_train)
            expected = whole.score(X_test[:80], y_test[:80]), whole.score(turned, y_test[:80])
            assert result.accuracy["glass box"][name] == expected

    def test_both_sides_differ_in_layer_1_alone(self, split, result):
        X_train, X_test, y_train, y_test = split
        pixels = GlassBoxClassifier(representation=Pixels()).fit(X_train, y_train)
        turned = actions.rotate(X_test[:80], result.angles)
        assert result.accuracy["pixels + PCA"]["nearest_mean"][1] == pixels.score(turned, y_test[:80])
        assert np.allclose(result.components["pixels + PCA"], pixels.reduce(turned))

    def test_separation_is_measured_on_the_turned_images(self, split, result):
        _, X_test, _, y_test = split
        turned = actions.rotate(X_test[:80], result.angles)
        by_side = result.separation
        assert [list(layers) for layers in by_side.values()] == [
            ["image", "pixels", "reduction"],
            ["image", "representation", "reduction"],
        ]
        assert by_side["glass box"]["image"] == class_separation(turned, y_test[:80])
        components = result.components["glass box"]
        assert by_side["glass box"]["reduction"].ratio == pytest.approx(
            class_separation(components, y_test[:80]).ratio, rel=1e-6
        )

    def test_what_is_claimed(self, result):
        pixels, glass = (result.accuracy[side]["nearest_mean"] for side in demo.SIDES)
        assert pixels[0] > 0.9 and pixels[1] < 0.75
        assert glass[0] > 0.9 and glass[1] > 0.9
        assert min(result.by_angle["glass box"]) > 0.9 and min(result.by_angle["pixels + PCA"]) < 0.6
        fisher = {side: layers["image"].fisher for side, layers in result.separation.items()}
        assert result.separation["glass box"]["representation"].fisher > 2 * fisher["glass box"]

    def test_angles_are_uniform_and_drawn_by_the_seed(self, split, result):
        X_train, X_test, y_train, y_test = split
        other = demo.compare(X_train, y_train, X_test[:80], y_test[:80], classifiers=(), random_state=1)
        assert not np.array_equal(other.angles, result.angles)
        assert result.angles.min() >= 0 and 300 < result.angles.max() < 360
        assert len(result.angles) == result.n_test == 80

    def test_by_angle_starts_upright_and_comes_back(self, result):
        for values in result.by_angle.values():
            assert len(values) == len(demo.ANGLES) and values[0] == values[-1]

    def test_images_are_left_as_they_are(self, split):
        X_train, X_test, y_train, y_test = split
        before = X_train.copy(), X_test.copy()
        demo.compare(X_train[:20], y_train[:20], X_test[:20], y_test[:20], classifiers=("lda",))
        assert np.array_equal(before[0], X_train) and np.array_equal(before[1], X_test)

    def test_bad_input(self, split):
        X_train, X_test, y_train, y_test = split
        with pytest.raises(ValueError, match="`classifiers` must be one of 'nearest_mean'") as caught:
            demo.compare(X_train, y_train, X_test, y_test, classifiers=("forest",))
        assert THREE_PARTS.match(str(caught.value))
        with pytest.raises(ValueError, match="`y` must hold one label per image"):
            demo.compare(X_train, y_train, X_test, y_test[:-1])


class TestTable:
    def test_it_fits_a_terminal_and_shows_the_numbers(self, result):
        table = demo.format_table(result)
        assert max(len(line) for line in table.splitlines()) <= 80
        assert str(result) == table
        for layers in result.separation.values():
            for found in layers.values():
                assert f"{found.intra:.2f}" in table and f"{found.fisher:.4f}" in table
        (row,) = [line.split() for line in table.splitlines() if line.split()[:1] == ["qda"]]
        pairs = [result.accuracy[side]["qda"] for side in demo.SIDES]
        assert row[1:] == [f"{value:.1%}" for pair in pairs for value in pair]


class TestLoadSplit:
    def test_no_image_is_in_both_parts(self, split):
        X_train, X_test, y_train, y_test = split
        assert len(X_train) == len(y_train) == 60 and len(X_test) == len(y_test) == 297
        assert not {image.tobytes() for image in X_train} & {image.tobytes() for image in X_test}
        assert set(y_train) == set(y_test) == {3, 8}

    def test_ten_digits_are_all_in_both_parts_by_their_share(self):
        _, _, y_train, y_test = demo.load_split(range(10), 40)
        assert set(np.bincount(y_train)) <= {3, 4, 5} and len(set(y_test)) == 10

    @pytest.mark.parametrize(
        ("classes", "n_train", "message"),
        [
            ((3,), 100, "`classes` must be two or more digits from 0 to 9, got 3."),
            ((3, 3), 100, "`classes` must be two or more digits from 0 to 9, got 3, 3."),
            ((3, 12), 100, "`classes` must be two or more digits from 0 to 9, got 3, 12."),
            ((), 100, "`classes` must be two or more digits from 0 to 9, got none."),
            ((3, 8), 7, "`n_train` must be from 8 to 349 for 2 classes, got 7."),
            ((3, 8), 350, "`n_train` must be from 8 to 349 for 2 classes, got 350."),
            ((3, 8), -1, "`n_train` must be a positive integer, got -1."),
        ],
    )
    def test_bad_input(self, classes, n_train, message):
        with pytest.raises(ValueError, match=re.escape(message)) as caught:
            demo.load_split(classes, n_train)
        assert THREE_PARTS.match(str(caught.value))


class TestCommand:
    def test_it_prints_the_table_and_saves_the_picture(self, tmp_path, monkeypatch, capsys):
        monkeypatch.chdir(tmp_path)
        assert cli.main(["demo", "--n-train", "8", "--classes", "0", "1"]) == 0
        shown = capsys.readouterr().out
        assert "Classes 0, 1: trained on 8 upright images" in shown
        assert re.search(r"Took \d+\.\d s\. The picture: " + re.escape(str(tmp_path / "equibook-demo.png")), shown)
        assert (tmp_path / "equibook-demo.png").read_bytes().startswith(b"\x89PNG")
        assert [path.name for path in tmp_path.iterdir()] == ["equibook-demo.png"]

    @pytest.mark.parametrize(
        ("output", "message"),
        [
            ("missing/demo.png", "No such file or directory"),
            ("folder.png", "it is a folder"),
            ("demo.jpg", "`output` must end in .png, got 'demo.jpg'"),
        ],
    )
    def test_a_place_that_cannot_be_written_is_told_at_once(self, tmp_path, monkeypatch, capsys, output, message):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(demo, "compare", never)
        (tmp_path / "folder.png").mkdir()
        assert cli.main(["demo", "--output", output]) == 2
        shown = capsys.readouterr().err
        assert message in shown and shown.count("\n") == 1
        assert THREE_PARTS.match(shown.removeprefix("equibook demo: ").strip())
        assert [path.name for path in tmp_path.iterdir()] == ["folder.png"]

    def test_a_folder_without_permission(self, tmp_path, monkeypatch, capsys):
        def refuse(self, *args, **kwargs):
            raise PermissionError(13, "Permission denied", str(self))

        monkeypatch.setattr(demo, "compare", never)
        monkeypatch.setattr(Path, "touch", refuse)
        assert cli.main(["demo", "--output", str(tmp_path / "demo.png")]) == 2
        assert "(Permission denied)" in capsys.readouterr().err

    @pytest.mark.parametrize("argv", [["--classes", "3"], ["--n-train", "3"]])
    def test_a_wrong_choice_is_one_sentence(self, tmp_path, monkeypatch, capsys, argv):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(demo, "compare", never)
        assert cli.main(["demo", *argv]) == 2
        assert THREE_PARTS.match(capsys.readouterr().err.removeprefix("equibook demo: ").strip())

    @pytest.mark.parametrize("interruption", [ValueError("broken"), KeyboardInterrupt()])
    def test_what_stops_half_way_leaves_the_old_picture(self, tmp_path, monkeypatch, interruption):
        def stop(*args, **kwargs):
            raise interruption

        (tmp_path / "demo.png").write_bytes(b"old")
        monkeypatch.setattr(demo, "compare", stop)
        assert cli.main(["demo", "--output", str(tmp_path / "demo.png")]) in (2, 130)
        assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]
