"""Tests the verbs that explore a latent space, on untrained tiny models and real
digits."""

import dataclasses

import numpy as np
import pytest
import tiny
from PIL import Image
from untrained import folder_of
from verbs import called, typed

import zoo
from zoo.commands import anomaly, arithmetic, attention, interpolate, sample, traverse
from zoo.drawing import figures
from zoo.evaluation import explorer as exploration
from zoo.evaluation import subject
from zoo.inputs.pixels import to_float
from zoo.runs import folder as runs

VERBS = [anomaly, arithmetic, attention, interpolate, traverse]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """run(name) -> the run folder of an untrained model of that name."""
    folders = tmp_path_factory.mktemp("runs")

    def of(name, **changes):
        folder = folders / name
        if not folder.exists():
            folder_of(folder, name, **changes)
        return folder

    return of


def seen_but(folder, classes):
    """Writes into run.json that the model was trained on `classes` only."""
    record = folder / "run.json"
    text = record.read_text().replace('"classes": null', f'"classes": {classes}')
    record.write_text(text)
    assert runs.RunFolder(folder).read_record()["settings"]["classes"]
    return folder


def picture_of(path):
    return np.asarray(Image.open(path).convert("RGB"))


def numbers_of(line):
    return [float(word) for word in line.split() if word.replace(".", "").isdigit()]


@pytest.mark.slow
def test_interpolate_prints_a_line_a_path_and_writes_a_picture(run):
    folder = run("vae")
    flags = ["--workdir=vae", "--images=0,5,7,3", "--steps=4", "--out=way.png"]
    out = typed("interpolate", *flags, cwd=folder.parent)
    for name in ("0 to 5", "7 to 3"):
        for path in ("linear", "spherical"):
            assert f"test image {name}, {path}" in out
    assert picture_of(folder.parent / "way.png").shape[1] > 560


def test_a_way_between_styles_is_straight(run, tmp_path, capsys, monkeypatch):
    folder, shown = run("stylegan"), []
    monkeypatch.setattr(
        figures, "save_table", lambda out, images, *_: shown.append(images)
    )
    flags = [f"--workdir={folder}", f"--out={tmp_path / 'w.png'}", "--seeds=1,2"]
    assert called(interpolate, *flags, "--space=w", "--nojudge", "--steps=3") == 0
    text = capsys.readouterr().out
    assert "|w|" in text and "seed 1 to 2, linear" in text and "spherical" not in text
    model = zoo.load(folder)
    ends = model.to_w(np.concatenate([model.prior(1, seed=s) for s in (1, 2)]))
    middle = model.synthesize(ends.mean(axis=0)[None])[0]
    np.testing.assert_allclose(shown[0][0, 1], middle, atol=1e-5)
    first = model.decode(model.prior(1, seed=1))[0]
    np.testing.assert_allclose(shown[0][0, 0], first, atol=1e-5)


def test_a_gan_interpolates_seeds_of_its_own_accord(run, tmp_path, capsys):
    flags = [f"--workdir={run('gan')}", f"--out={tmp_path}/new/way.png", "--nojudge"]
    assert called(interpolate, *flags, "--path=spherical") == 0
    out = capsys.readouterr().out
    assert "seed 0 to 1, spherical" in out and "linear" not in out
    assert (tmp_path / "new" / "way.png").exists()


def test_default_pairs_are_of_different_classes(run):
    space = exploration.Explorer(run("vae"))
    _, labels = space.test
    numbers = space.first_of_classes(4)
    assert labels[numbers].tolist() == [0, 1, 2, 3]
    space.test = space.test[0], None
    assert space.first_of_classes(4) == [0, 1, 2, 3]


@pytest.mark.slow
def test_arithmetic_counts_what_the_classifier_sees(run, tmp_path, capsys):
    out = tmp_path / "sum.png"
    flags = [f"--workdir={run('ae')}", "--plus=1", "--minus=0", f"--out={out}"]
    assert called(arithmetic, *flags, "--strengths=0,2") == 0
    lines = capsys.readouterr().out.splitlines()
    rows = [line for line in lines if line.startswith("+")]
    assert [row.split()[0] for row in rows] == ["+0", "+2"] and out.exists()
    for row in rows:
        shares = [float(word.rstrip("%")) for word in row.split()[1:]]
        assert len(shares) == 3 and sum(shares) == pytest.approx(100, abs=0.2)


class Pixels:
    """An autoencoder whose latent is the image itself."""

    name, config, image_shape = "pixels", {"latent_dim": 784}, (28, 28, 1)

    def can(self, *needs):
        return set(needs) <= {"encode", "decode"}

    def require(self, *capabilities):
        assert self.can(*capabilities)

    def encode(self, images):
        return to_float(images).reshape(len(images), -1)

    def decode(self, z):
        return z.reshape(-1, 28, 28, 1)


@pytest.fixture
def tables(run, monkeypatch, tmp_path):
    """Gives runs a model whose latents are images; returns the tables that verbs
    print."""
    target, tables = subject.find(run("vae")), []
    target = dataclasses.replace(target, model=Pixels())
    monkeypatch.setattr(subject, "find", lambda *args, **where: target)
    monkeypatch.setattr(figures, "save_table", lambda *args: tables.append(args))
    # A verb without --workdir looks for this run first.
    home = tmp_path / "runs" / "vaegan-digits"
    home.mkdir(parents=True)
    (home / "model.keras").touch()
    monkeypatch.chdir(tmp_path)
    return tables


def test_the_difference_of_two_classes_is_added(tables):
    flags = ["--plus=1", "--minus=0", "--strengths=0,1,-1"]
    assert called(arithmetic, *flags, "--out=a.png", "--nojudge") == 0
    ((_, images, rows, columns, title, _),) = tables
    x, labels = zoo.data.arrays("digits", "train")
    x = to_float(x)
    difference = x[labels == 1].mean(axis=0) - x[labels == 0].mean(axis=0)
    real, *sums = images.swapaxes(0, 1)
    for moved, strength in zip(sums, (0, 1, -1)):
        np.testing.assert_allclose(moved, real + strength * difference, atol=1e-5)
    assert columns == ["test image", "+0", "+1", "-1"] and rows == ["0"] * 6
    assert title == "pixels: images + strength x (1 - 0)"


def test_a_path_is_shown_between_its_images(tables, capsys):
    flags = ["--images=0,5", "--steps=3", "--out=a.png", "--nojudge"]
    assert called(interpolate, *flags, "--path=linear") == 0
    ((_, images, rows, columns, *_),) = tables
    a, b = to_float(zoo.data.arrays("digits", "test")[0][[0, 5]])
    np.testing.assert_allclose(images[0], [a, a, (a + b) / 2, b, b], atol=1e-6)
    assert rows == ["test image 0 to 5\nlinear"]
    assert columns == ["test image", "0.00", "0.50", "1.00", "test image"]
    shortest, step = numbers_of(capsys.readouterr().out.splitlines()[5])[-2:]
    expected = min(np.linalg.norm(x) for x in (a, (a + b) / 2, b))
    assert shortest == pytest.approx(expected, abs=0.01)
    # Pixels in [0, 1] change half as much as those in [-1, 1], and each step makes half
    # of the change.
    assert step == pytest.approx(((a - b) ** 2).mean() ** 0.5 / 4, abs=1e-3)


def test_a_traversal_starts_from_its_image(tables):
    flags = ["--image=2", "--along=coordinates", "--count=1", "--steps=3"]
    assert called(traverse, *flags, "--span=1", "--out=a.png") == 0
    ((_, images, rows, columns, _),) = tables
    x, _ = zoo.data.arrays("digits", "train")
    x = to_float(x).reshape(len(x), -1)
    most = x.var(axis=0).argmax()
    start, *moved = images[0].reshape(4, -1)
    np.testing.assert_array_equal(np.flatnonzero(moved[0] != moved[2]), [most])
    values = x[:, most].mean() + np.array([-1, 0, 1]) * x[:, most].std(ddof=1)
    np.testing.assert_allclose(np.stack(moved)[:, most], values, atol=1e-4)
    test = to_float(zoo.data.arrays("digits", "test")[0][2]).reshape(-1)
    np.testing.assert_allclose(start, test, atol=1e-6)
    assert columns == ["start", "-1 sd", "0 sd", "1 sd"] and f"z[{most}]" in rows[0]


def test_a_traversal_starts_from_an_image_unless_told_otherwise(tables):
    assert called(traverse, "--along=coordinates", "--count=1", "--out=a.png") == 0
    ((_, images, _, columns, title),) = tables
    first = to_float(zoo.data.arrays("digits", "test")[0][0])
    np.testing.assert_allclose(images[0, 0], first, atol=1e-6)
    assert columns[0] == "start" and title.endswith("from test image 0")


def test_interpolate_says_of_which_class_the_image_of_a_position_is(tables, capsys):
    flags = ["--steps=3", "--out=a.png", "--nojudge", "--path=linear"]
    _, labels = zoo.data.arrays("digits", "test")
    assert called(interpolate, *flags, "--images=6,5") == 0
    one, other = (f"{n} is of class {labels[n]}" for n in (6, 5))
    assert f"test images by position: {one}, {other}\n" in capsys.readouterr().out


def test_two_classes_are_joined_in_the_order_asked(run, tmp_path, capsys):
    out = f"--out={tmp_path}/way.png"
    flags = [f"--workdir={run('vae')}", "--classes=6,5", "--nojudge", out]
    assert called(interpolate, *flags) == 0
    space = exploration.Explorer(run("vae"), classes=("6", "5"))
    six, five = space.test_images(space.first_of_classes(4))
    images, labels = zoo.data.arrays("digits", "test")
    np.testing.assert_array_equal(six, images[np.flatnonzero(labels == 6)[0]])
    np.testing.assert_array_equal(five, images[np.flatnonzero(labels == 5)[0]])


@pytest.mark.slow
def test_pictures_of_a_run_go_into_its_folder(run, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    folder = run("vae")
    assert called(interpolate, f"--workdir={folder}", "--nojudge", "--steps=2") == 0
    assert called(traverse, f"--workdir={folder}", "--count=1", "--steps=2") == 0
    assert {path.name for path in folder.glob("*.png")} >= {
        "interpolation.png",
        "traversal.png",
    }
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_traverse_tells_the_largest_directions_first(run, tmp_path, capsys):
    out = tmp_path / "walk.png"
    flags = [f"--workdir={run('vae')}", f"--out={out}"]
    assert called(traverse, *flags, "--image=3") == 0
    lines = capsys.readouterr().out.splitlines()
    rows = [line for line in lines if line.startswith("direction")]
    deviations = [float(row.split()[2]) for row in rows]
    assert len(rows) == 3 and deviations == sorted(deviations, reverse=True)
    assert called(traverse, *flags, "--along=coordinates", "--count=2") == 0
    printed = capsys.readouterr().out
    assert printed.count("\nz[") == 2 and out.exists()


def test_a_gan_is_traversed_along_coordinates(run, tmp_path, capsys):
    flags = [f"--workdir={run('gan')}", f"--out={tmp_path}/walk.png"]
    assert called(traverse, *flags, "--along=coordinates", "--count=2") == 0
    assert "\nz[0]" in capsys.readouterr().out
    assert called(traverse, *flags) == 1
    assert "'gan' cannot encode" in capsys.readouterr().err


@pytest.mark.slow
def test_anomaly_tells_the_classes_that_were_left_out(tmp_path, capsys):
    folder = seen_but(folder_of(tmp_path / "run", "ae"), "[0, 1, 2, 3, 4, 5, 6, 8]")
    out = tmp_path / "strange.png"
    assert called(anomaly, f"--workdir={folder}", f"--out={out}") == 0
    printed = capsys.readouterr().out
    lines = {line.split()[0]: line for line in printed.splitlines() if line}
    assert {"7", "9", "all"} <= set(lines) and out.exists()
    parts = [numbers_of(lines[name]) for name in ("7", "9", "all")]
    assert parts[0][-3] + parts[1][-3] == parts[2][-3]  # the numbers of images
    for each in parts:
        assert 0 < each[-2] < 1 and 0 < each[-1] < 1
    # The area of all is the mean of the classes' areas, weighted by their numbers of
    # images.
    for score in (-2, -1):
        mean = sum(part[-3] * part[score] for part in parts[:2]) / parts[2][-3]
        assert parts[2][score] == pytest.approx(mean, abs=2e-3)


def test_what_is_unlike_all_seen_images_is_found(tmp_path, capsys):
    random = np.random.default_rng(0)
    # Easy for a model that has learned nothing.
    grey = random.integers(120, 136, (300, 8, 8, 1))
    noise = random.integers(0, 256, (100, 8, 8, 1))
    images = np.concatenate([grey, noise]).astype("uint8")
    labels = np.repeat([0, 1, 2], [150, 150, 100])
    np.savez(tmp_path / "data.npz", images=images, labels=labels)
    folder = folder_of(tmp_path / "run", "ae", f"npz:{tmp_path}/data.npz", (8, 8, 1))
    seen_but(folder, "[0, 1]")
    flags = [f"--workdir={folder}", f"--out={tmp_path}/strange.png", "--components=1"]
    assert called(anomaly, *flags) == 0
    lines = capsys.readouterr().out.splitlines()
    (line,) = [line for line in lines if line.startswith("all ")]
    assert min(numbers_of(line)[-2:]) > 0.95


def test_left_out_images_are_those_of_other_classes(tmp_path):
    folder = seen_but(folder_of(tmp_path / "run", "ae"), "[8, 0]")
    images, classes, strange = exploration.Explorer(folder).with_left_out()
    assert len(images) == len(classes) == len(strange)
    assert set(classes[~strange]) == {"0", "8"}
    assert set(classes[strange]) == set("12345679")


@pytest.mark.slow
def test_the_autoencoder_samples_by_a_mixture(run, tmp_path, capsys):
    flags = [f"--workdir={run('ae')}", "--num_images=3", "--components=2"]
    assert called(sample, *flags, f"--out={tmp_path}/a.npz") == 1
    assert "--latent=gmm" in capsys.readouterr().err
    gmm = [*flags, "--latent=gmm"]
    assert called(sample, *gmm, "--seed=4", f"--out={tmp_path}/a.npz") == 0
    assert called(sample, *gmm, "--seed=6", f"--out={tmp_path}/b.npz") == 0
    a, b = (np.load(tmp_path / f"{name}.npz")["images"] for name in "ab")
    assert a.shape == (3, 28, 28, 1) and (a[0] != a[1]).any()
    assert np.abs(a[2].astype(int) - b[0]).max() <= 1


@pytest.mark.parametrize(
    "verb, name, flags, sentence",
    [
        (sample, "gan", ["--latent=gmm"], "'gan' cannot encode"),
        (sample, "vae", ["--latent=gmm", "--labels=1"], "knows no labels"),
        (sample, "vae", ["--latent=gmm", "--components=0"], "at least 1 component"),
        (interpolate, "gan", ["--images=0,1"], "'gan' cannot encode"),
        (interpolate, "ae", ["--seeds=0,1"], "'ae' cannot sample"),
        (interpolate, "classifier", [], "'classifier' cannot decode"),
        (interpolate, "vae", ["--images=0,1,2"], "even number"),
        (interpolate, "vae", ["--images=0,99999"], "from 0 to 296"),
        (interpolate, "vae", ["--images=0,x"], "whole numbers"),
        (interpolate, "vae", ["--images=0,1", "--seeds=0,1"], "--images or --seeds"),
        (interpolate, "vae", ["--steps=1"], "at least 2"),
        (interpolate, "gan", ["--space=w"], "'gan' cannot mix"),
        (
            interpolate,
            "stylegan",
            ["--space=w", "--path=spherical"],
            "Ways between styles are linear",
        ),
        (interpolate, "vae", ["--out=way.npz"], "go to a .png"),
        (arithmetic, "gan", [], "'gan' cannot encode"),
        (arithmetic, "vae", ["--plus=shoe"], "Unknown class 'shoe'"),
        (arithmetic, "vae", ["--plus=0"], "different"),
        (arithmetic, "vae", ["--strengths=1,nan"], "takes numbers"),
        (traverse, "classifier", [], "'classifier' cannot decode"),
        (traverse, "vae", ["--count=4"], "4 directions"),
        (traverse, "vae", ["--span=0"], "more than 0"),
        (traverse, "vae", ["--image=0", "--seed=0"], "--image or --seed"),
        (anomaly, "vae", [], "shown every class"),
        (anomaly, "gan", [], "'gan' cannot reconstruct"),
        (anomaly, "vae", ["--workdir=nowhere"], "nowhere"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    verb, name, flags, sentence, run, tmp_path, capsys
):
    config = {"num_classes": 10} if name == "classifier" else {}
    out = tmp_path / "out.png"
    folder = run(name, **config)
    assert called(verb, f"--workdir={folder}", f"--out={out}", *flags) == 1
    err = capsys.readouterr().err
    assert sentence in err and err.count("\n") == 1 and not list(tmp_path.iterdir())


@pytest.mark.slow
def test_an_unlabelled_set_is_explored_without_a_classifier(tmp_path, capsys):
    np.savez(tmp_path / "data.npz", images=tiny.images(60))
    folder = folder_of(tmp_path / "run", "vae", f"npz:{tmp_path}/data.npz", (8, 8, 1))
    flags = [f"--workdir={folder}", f"--out={tmp_path}/way.png"]
    assert called(interpolate, *flags) == 0 and (tmp_path / "way.png").exists()
    capsys.readouterr()
    for verb, sentence in ((arithmetic, "no labels"), (anomaly, "every class")):
        assert called(verb, *flags) == 1
        err = capsys.readouterr().err
        assert sentence in err and err.count("\n") == 1


@pytest.mark.parametrize("verb", VERBS)
def test_help_is_grouped(verb, capsys):
    assert called(verb, "--help") == 0
    out = capsys.readouterr().out
    assert "What:" in out and "Where:" in out and max(map(len, out.splitlines())) <= 88


def test_a_table_of_images_shows_each_where_its_labels_say(tmp_path):
    images = np.zeros((2, 3, 8, 8, 1), "uint8")
    images[1, 2] = 255
    path, labels = tmp_path / "table.png", (["a", "long $label"], ["1", "2", "3"])
    figures.save_table(path, images, *labels, "title", [["x"] * 3] * 2)
    picture = picture_of(path)
    dark = (picture == 0).all(axis=2)
    # There are five black squares; the sixth place, right of the middle at the bottom,
    # is empty.
    middle = np.flatnonzero(dark.any(axis=1)).mean()
    rows = np.arange(len(picture))
    counts = [dark[rows < middle].sum(), dark[rows >= middle].sum()]
    assert counts[0] / counts[1] == pytest.approx(3 / 2, rel=0.05)


def test_two_classes_of_one_set_are_taken_in_the_order_asked(run):
    space = exploration.Explorer(run("vae"))
    names, (_, labels), (images, of_test) = space.pair(("9", 7))
    assert names == ("9", "7") and set(labels) == set(of_test) == {0, 1}
    every, numbers = space.test
    np.testing.assert_array_equal(images[of_test == 0], every[numbers == 9])


@pytest.mark.slow
def test_an_explorer_encodes_the_same_images_again(run):
    first, again = (exploration.Explorer(run("vae"), seed=1) for _ in range(2))
    one, other = (space.mixture(2).draw([3]) for space in (first, again))
    np.testing.assert_array_equal(one, other)
