"""Tests the verb that turns pictures into others, and the pictures of a run that learns
to."""

import numpy as np
import pytest
import tiny
import tiny_runs
from PIL import Image
from untrained import folder_of
from verbs import called

import zoo
from zoo.commands import translate as verb
from zoo.runs import grids


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of an untrained model that turns 8x8 edges into images."""
    path = tmp_path_factory.mktemp("runs") / "pix2pix"
    return folder_of(path, "pix2pix", shape=(8, 8, 1))


def save(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.squeeze(image)).save(path)


@pytest.fixture
def pictures(tmp_path):
    """A folder of three pictures, one of them half transparent, and a text."""
    folder = tmp_path / "pictures"
    images = tiny.images(3)
    save(folder / "a.png", images[0])
    alpha = np.zeros((8, 8, 1), "uint8")
    alpha[4:] = 255
    save(folder / "b.png", np.concatenate([images[1], alpha], axis=2))
    save(folder / "deep" / "c.png", images[2])
    (folder / "README.txt").write_text("no picture")
    return folder


def translated(run, pictures, out, *flags):
    flags = (f"--workdir={run}", f"--images={pictures}", f"--out={out}", *flags)
    return called(verb, *flags)


def opened(path):
    return np.asarray(Image.open(path))


def test_a_folder_becomes_a_folder_of_the_same_names(run, pictures, tmp_path, capsys):
    out = tmp_path / "new" / "out"
    assert translated(run, pictures, out, "--seed=3") == 0
    assert capsys.readouterr().out == f"3 images: {out}\n"
    names = sorted(p.relative_to(out).as_posix() for p in out.rglob("*.png"))
    assert names == ["a.png", "b.png", "deep/c.png"]
    image = opened(out / "deep/c.png")
    wanted = zoo.load(run).translate(
        opened(pictures / "deep/c.png")[None, ..., None], seed=5
    )
    assert abs(image - np.rint((wanted[0, ..., 0] + 1) * 127.5)).max() <= 1
    # What was transparent is, and lay on white when it was read.
    half = opened(out / "b.png")
    assert (
        half.shape == (8, 8, 2)
        and (half[..., 1] == opened(pictures / "b.png")[..., 1]).all()
    )


def test_a_file_has_as_many_answers_as_are_asked_for(run, pictures, tmp_path):
    out = tmp_path / "out"
    out.mkdir()  # an empty folder is as good as none
    assert translated(run, pictures / "a.png", out, "--samples=2") == 0
    assert sorted(p.name for p in out.iterdir()) == ["a_0.png", "a_1.png"]


def test_sources_are_made_of_larger_images_where_that_is_asked_for(run, tmp_path):
    save(tmp_path / "photo.jpg", tiny.images(1, (20, 30, 3))[0])
    save(tmp_path / "photo.bmp", tiny.images(1, (20, 30, 3))[0])
    out = tmp_path / "out"
    assert translated(run, tmp_path, out, "--make_sources") == 0
    names = sorted(p.name for p in out.iterdir())
    assert names == ["photo.bmp.png", "photo.jpg.png"]
    assert opened(out / names[0]).shape == (8, 8)


def refused(capsys, *arguments):
    assert translated(*arguments) == 1
    message = capsys.readouterr().err
    assert message.count("\n") == 1 and "Received: " in message
    return message


def test_pictures_of_any_size_are_enlarged_with_what_is_transparent(tmp_path, pictures):
    run = folder_of(tmp_path / "srgan", "srgan", shape=(8, 8, 1))
    large = tiny.images(1, (12, 30, 1))
    save(pictures / "wide.png", large)
    assert translated(run, pictures, tmp_path / "out") == 0
    model = zoo.load(run)
    wide = opened(tmp_path / "out" / "wide.png")
    assert wide.shape == (24, 60)
    wanted = np.rint((model.upscale(large)[0, ..., 0] + 1) * 127.5)
    assert abs(wide - wanted).max() <= 1
    clear = opened(tmp_path / "out" / "b.png")
    assert clear.shape == (16, 16, 2)
    assert clear[:6, :, 1].max() == 0 and clear[10:, :, 1].min() == 255
    flags = ["--make_sources", "--samples=1"]
    assert translated(run, pictures, tmp_path / "sources", *flags) == 0
    assert opened(tmp_path / "sources" / "wide.png").shape == (8, 8)


def test_a_model_of_both_ways_goes_back(tmp_path, pictures, run, capsys):
    cyclegan = folder_of(tmp_path / "cyclegan", "cyclegan", shape=(8, 8, 1))
    out = tmp_path / "out"
    assert translated(cyclegan, pictures, out, "--back") == 0
    image = opened(pictures / "a.png")[None, ..., None]
    wanted = zoo.load(cyclegan).translate(image, back=True)[0, ..., 0]
    assert abs(opened(out / "a.png") - np.rint((wanted + 1) * 127.5)).max() <= 1
    new = tmp_path / "new"
    assert "one way only" in refused(capsys, run, pictures, new, "--back")
    both = ("--back", "--make_sources")
    assert "one of both" in refused(capsys, cyclegan, pictures, new, *both)


def test_answers_of_a_palette_take_the_steps_and_the_sampler_of_the_flags(
    tmp_path, pictures, run, capsys
):
    palette = folder_of(tmp_path / "palette", "palette", shape=(8, 8, 1))
    out, flags = tmp_path / "out", ("--steps=2", "--sampler=ddim")
    assert translated(palette, pictures / "a.png", out, "--samples=3", *flags) == 0
    image = opened(pictures / "a.png")[None, ..., None]
    how = {"samples": 3, "seed": 0, "steps": 2, "sampler": "ddim"}
    wanted = zoo.load(palette).translate(image, **how)[0, ..., 0]
    shown = np.stack([opened(out / f"a_{number}.png") for number in range(3)])
    assert abs(shown - np.rint((wanted + 1) * 127.5)).max() <= 1
    new = tmp_path / "new"
    assert "no such option" in refused(capsys, run, pictures, new, "--steps=2")
    assert "samples by" in refused(capsys, palette, pictures, new, "--sampler=fast")
    assert not new.exists()


def test_what_cannot_be_is_refused_and_nothing_is_written(
    run, pictures, tmp_path, capsys
):
    empty, out = tmp_path / "empty", tmp_path / "out"
    empty.mkdir()
    assert "no picture" in refused(capsys, run, empty, out)
    assert "no such file" in refused(capsys, run, tmp_path / "none", out)
    assert "holds files already" in refused(capsys, run, pictures, pictures)
    assert "go to a folder" in refused(capsys, run, pictures, pictures / "a.png")
    flags = f"--workdir={run}", f"--images={pictures}"
    assert called(verb, *flags) == 1
    assert "out=None" in capsys.readouterr().err
    gan = folder_of(tmp_path / "gan", "gan", shape=(8, 8, 1))
    sentence = (
        "'gan' cannot translate. Models that can: cyclegan, palette, pix2pix, srgan."
    )
    assert translated(gan, pictures, out) == 1
    assert sentence in capsys.readouterr().err
    (pictures / "z.png").write_bytes((pictures / "a.png").read_bytes()[:50])
    assert "z.png" in refused(capsys, run, pictures, out)
    assert not out.exists() and not list(tmp_path.glob(".translate-*"))


@pytest.mark.slow
def test_a_run_of_pairs_shows_source_answer_and_truth(tmp_path):
    images = tiny.images(40)
    for number, image in enumerate(images):
        save(tmp_path / "data" / "A" / f"{number}.png", 255 - image)
        save(tmp_path / "data" / "B" / f"{number}.png", image)
    flags = ["--model=pix2pix", "--set=task=pairs", "--set=width=4", "--batch_size=16"]
    flags += [f"--dataset=pairs:{tmp_path}/data", "--epochs=1"]
    trained = tiny_runs.trained(tmp_path / "run", base=flags)
    file = grids.files(trained.folder)[1]
    assert file.name == "0001_translations.png"
    shown = grids.images(file, (8, 8, 1))
    count = len(trained.images)
    np.testing.assert_array_equal(shown[:count], trained.sources)
    np.testing.assert_array_equal(shown[16 : 16 + count], trained.images)
    answers = zoo.load(trained.folder.path).translate(trained.sources, seed=0)
    answers = np.rint((answers + 1) * 127.5)
    assert abs(shown[8 : 8 + count] - answers).max() <= 1


@pytest.mark.slow
def test_a_run_of_one_set_makes_its_sources(tmp_path):
    trained = tiny_runs.trained(
        tmp_path / "run", "--epochs=1", base=tiny_runs.of("pix2pix")
    )
    shown = grids.images(grids.files(trained.folder)[1], (8, 8, 1))
    assert set(np.unique(shown[:8])) <= {0, 255}  # lines
    np.testing.assert_array_equal(shown[16:24], trained.images[:8])


@pytest.mark.slow
def test_a_run_without_pairs_shows_source_answer_and_the_way_back(tmp_path):
    flags = ["--set=task=domains", "--domains=1,7", "--epochs=1", "--batch_size=64"]
    trained = tiny_runs.trained(tmp_path / "run", *flags, base=tiny_runs.of("cyclegan"))
    shown = grids.images(grids.files(trained.folder)[1], (8, 8, 1))
    np.testing.assert_array_equal(shown[:8], trained.sources[:8])
    model = zoo.load(trained.folder.path)
    answers = model.translate(trained.sources[:8])
    home = model.translate(answers, back=True)
    for row, images in ((8, answers), (16, home)):
        wanted = np.rint((images + 1) * 127.5)
        assert abs(shown[row : row + 8] - wanted).max() <= 1
