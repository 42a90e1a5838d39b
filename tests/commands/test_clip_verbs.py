"""Tests the way of clips through the verbs: a run of a tiny model, what it shows,
samples and films of it, its scores, and the verbs that refuse it."""

import shutil

import numpy as np
import pytest
import shelf
import tiny
import tiny_runs
from PIL import Image
from verbs import called

import zoo
from zoo import data, evaluation, metrics
from zoo.commands import (
    compare,
    evaluate,
    film,
    gallery,
    publish,
    sample,
    train,
)
from zoo.drawing import films
from zoo.evaluation import clips, results
from zoo.inputs import pixels
from zoo.runs.folder import RunFolder

FLAGS = tiny_runs.of("rnn_vaegan")
T, SIDE = tiny.FRAMES, 25
DATA = {"frames": T, "image_size": SIDE, "classes": [0]}
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The run folder of a tiny model of one epoch."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    return tiny_runs.trained(folder, "--epochs=1", base=FLAGS).folder.path


@pytest.fixture(autouse=True)
def refused(capsys):
    """Returns refused(verb, *flags), the sentence with which the verb ends."""

    def of(verb, *flags):
        capsys.readouterr()
        assert called(verb, *flags) == 1
        error = capsys.readouterr().err
        assert "Traceback" not in error
        return " ".join(error.split())

    return of


def test_a_run_shows_sheets_and_films_of_its_clips(run):
    for stem, kinds in (
        ("0001", 1),
        ("0001_predictions", 2),
        ("0001_reconstructions", 2),
    ):
        sheet = Image.open(run / "samples" / f"{stem}.png")
        rows, side = kinds * 8, SIDE + 2
        factor = -(-560 // (rows * side + 2))
        assert sheet.size == (factor * (T * side + 2), factor * (rows * side + 2))
        frames = films.read(run / "samples" / f"{stem}.gif", 8)
        assert len(frames) == T + 4  # the last one stays for half a second
    real, _ = data.arrays("moving:digits", "validation", **DATA)
    sheet = np.asarray(Image.open(run / "samples" / "0001_predictions.png"))
    factor = sheet.shape[0] // (16 * (SIDE + 2) + 2)
    small = sheet[::factor, ::factor]
    np.testing.assert_array_equal(small[2:27, 2:27], real[0, 0, ..., 0])
    np.testing.assert_array_equal(small[29:54, 2:27], real[0, 0, ..., 0])
    assert (small[29:54, 29:54] != real[0, 1, ..., 0]).any()


def test_the_header_tells_of_clips_and_terms_stand_in_the_rows(run, capsys):
    assert called(train, *FLAGS, "--dry_run", f"--workdir={run}-new") == 0
    assert f"{T}x{SIDE}x{SIDE}x1" in capsys.readouterr().out
    names = {"elbo", "kl", "mse", "d_loss", "g_loss"}
    (row,) = RunFolder(run).rows()
    assert names | {f"val_{name}" for name in names} < set(row)


def test_samples_are_a_sheet_an_array_or_a_folder_of_films(run, tmp_path):
    model = f"--workdir={run / 'model.keras'}"
    for name in ("clips.npz", "sheet.png", "folder"):
        flags = [model, "--num_images=2", "--seed=5", f"--out={tmp_path / name}"]
        assert called(sample, *flags, "--frames=2") == 0
    array = np.load(tmp_path / "clips.npz")["clips"]
    assert array.shape == (2, 2, SIDE, SIDE, 1) and array.dtype == np.uint8
    names = [path.name for path in sorted((tmp_path / "folder").iterdir())]
    assert names == ["000005.gif", "000006.gif"]
    wide = Image.open(tmp_path / "sheet.png")
    assert wide.width == wide.height > 500


def test_a_film_plays_new_clips_at_their_pace(run, tmp_path, capsys):
    out = tmp_path / "clips.gif"
    flags = [f"--workdir={run}", f"--out={out}", "--num_images=3"]
    assert called(film, *flags) == 0
    assert f"clips: {T} frames of" in capsys.readouterr().out
    assert len(films.read(out, 8)) == T + 12
    assert called(film, *flags, "--frames=5", "--kind=clips") == 0
    assert "clips: 5 frames of" in capsys.readouterr().out


def test_a_run_goes_on_to_the_bit(run, tmp_path):
    begun = shutil.copytree(run, tmp_path / "begun")
    whole = tiny_runs.trained(tmp_path / "whole", "--epochs=2", base=FLAGS)
    tiny_runs.assert_same(tiny_runs.trained(begun, "--epochs=2", base=FLAGS), whole)


def test_scores_stand_beside_those_of_what_needs_no_model(run, tmp_path, capsys):
    out = tmp_path / "evaluation.json"
    flags = [f"--workdir={run}", f"--out={out}", "--num_images=30", "--seed=3"]
    assert called(evaluate, *flags) == 0
    text = capsys.readouterr().out
    assert "30 clips against 30 test clips" in text and "straight on " in text
    scored = evaluation.read(out)
    names = {name for group in clips.GROUPS for name in group.scores}
    lacking = {name for name in names if name.startswith("between_")}
    assert set(scored.scores) == names - lacking
    assert set(scored.not_applicable) == lacking
    assert not scored.references and not scored.warnings
    subject = evaluation.subject.find(run, makes=("clip",))
    options = evaluation.Options(num_images=30, seed=3)
    bench = clips.ClipBench(subject, options, evaluation.Stages())
    future, past = bench.test[:, 1:], bench.test[:, :1]
    copied = metrics.psnr_by_horizon(future, metrics.copied(past, T - 1))
    assert scored.scores["future_psnr_copied"] == pytest.approx(copied.mean())
    curve = scored.details["horizons"]["last frame"]["psnr"]
    assert curve == pytest.approx(copied.tolist())
    made = subject.model.predict_frames(past, T - 1, seed=3)
    decibels = metrics.psnr_by_horizon(future, pixels.to_uint8(made))
    assert scored.scores["future_psnr"] == pytest.approx(decibels.mean())
    draws = [scored.scores[f"draws_psnr_{name}"] for name in ("best", "mean", "first")]
    assert draws[0] >= max(draws[1:]) and scored.details["draws"]["count"] == 20
    scored.write(run / "evaluation.json")
    page = "\n".join(results.lines([results.Measured.read(run)], {}, str))
    assert "compared pixel by pixel" in page and "30 clips against" in page


# --- frames between -------------------------------------------------------------------


@pytest.fixture(scope="module")
def between(tmp_path_factory):
    """The run folder of a tiny model that draws frames between two."""
    folder = tmp_path_factory.mktemp("between") / "tiny"
    base = tiny_runs.of("interpolator")
    return tiny_runs.trained(folder, "--epochs=1", base=base).folder.path


def test_a_run_shows_the_frames_between(between):
    sheet = Image.open(between / "samples" / "0001_between.png")
    assert sheet.height > sheet.width * 4  # 8 clips and 8 drawn ones, of 3 frames
    films_of = sorted(path.name for path in (between / "samples").glob("*.gif"))
    assert films_of == ["0001_between.gif"]


def test_a_film_is_made_slower(between, tmp_path, capsys, refused, run):
    out = tmp_path / "slow.gif"
    flags = [f"--workdir={between}", "--times=3", "--num_images=2", f"--out={out}"]
    assert called(film, *flags) == 0
    assert f"slower: {3 * (T - 1) + 1} frames of" in capsys.readouterr().out
    where = f"--workdir={run}", f"--out={tmp_path / 'no.gif'}"
    sentence = refused(film, *where, "--kind=slower")
    assert "draws no frames between others. Models that do: interpolator" in sentence
    sentence = refused(film, *flags[:1], "--times=33")
    assert "--times is at most 32. Received: times=33" in sentence
    assert sorted(path.name for path in tmp_path.iterdir()) == ["slow.gif"]


def test_frames_between_are_scored_beside_a_cross_fade(between, tmp_path, capsys):
    out = tmp_path / "evaluation.json"
    flags = [f"--workdir={between}", f"--out={out}", "--num_images=20"]
    assert called(evaluate, *flags) == 0
    assert "PSNR of the frame between two, dB" in capsys.readouterr().out
    scored = evaluation.read(out)
    subject = evaluation.subject.find(between, makes=("clip",))
    bench = clips.ClipBench(
        subject, evaluation.Options(num_images=20), evaluation.Stages()
    )
    first, real, last = (bench.test[:, t] for t in range(3))
    mean = pixels.to_uint8((first / 2 + last / 2) / 127.5 - 1)
    psnr = metrics.psnr_by_horizon(real[:, None], mean[:, None])[0]
    assert scored.scores["between_1_psnr_faded"] == pytest.approx(psnr, abs=0.02)
    made = pixels.to_uint8(subject.model.between(first, last, 1))
    psnr = metrics.psnr_by_horizon(real[:, None], made)[0]
    assert scored.scores["between_1_psnr"] == pytest.approx(psnr)
    lacking = scored.not_applicable["between_5_psnr"]
    assert lacking == "clips have fewer than 7 frames"


# --- presets --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["rnn_vaegan", "interpolator"])
def test_a_run_of_clips_becomes_a_preset(
    name, run, between, tmp_path, monkeypatch, capsys
):
    folder = shelf.use(monkeypatch, tmp_path / "presets")
    monkeypatch.chdir(tmp_path)
    path = {"rnn_vaegan": run, "interpolator": between}[name]
    assert called(evaluate, f"--workdir={path}", "--num_images=20") == 0
    flags = [f"--workdir={path}", f"--name={name}/moving_digits"]
    assert called(publish, *flags) == 0
    assert f"{name}/moving_digits: " in capsys.readouterr().out
    card = (folder / f"{name}-moving_digits.md").read_text()
    assert f"clips of {T}x{SIDE}x{SIDE}x1" in card and "data: CC BY 4.0" in card
    preset, model = zoo.get(name, weights="moving_digits"), zoo.load(path)
    if name == "rnn_vaegan":
        made, wanted = (each.sample(2, seed=3) for each in (preset, model))
    else:
        ends = tiny.images(2, (2, SIDE, SIDE, 1)).swapaxes(0, 1)
        made, wanted = (each.between(*ends, frames=2) for each in (preset, model))
    np.testing.assert_allclose(made, wanted, atol=0.02)
    with Image.open(folder / f"{name}-moving_digits.png") as sheet:
        assert min(sheet.size) > SIDE
    if name == "interpolator":
        flags = ["--weights=interpolator/moving_digits", "--num_images=2"]
        assert called(film, *flags, f"--out={tmp_path / 'slow.gif'}") == 0


# --- what is refused ------------------------------------------------------------------


def test_models_and_data_that_do_not_fit_are_a_sentence(refused, tmp_path):
    where = f"--workdir={tmp_path / 'run'}"
    sentence = refused(train, "--model=vae", "--dataset=moving:digits", where)
    assert "'vae' learns from image, label, and 'moving:digits' has clip" in sentence
    sentence = refused(train, "--model=rnn_vaegan", "--dataset=digits", where)
    assert "'rnn_vaegan' learns from clip, label, and 'digits' has image" in sentence
    sentence = refused(train, *FLAGS, "--frechet=10", where)
    assert "measures images, and 'rnn_vaegan' makes clips" in sentence
    sentence = refused(train, *FLAGS, "--frames=1", where)
    assert "--frames is at least 2. Received: frames=1" in sentence
    assert not list(tmp_path.iterdir())


def test_what_is_for_images_alone_says_so(run, refused, tmp_path):
    where = [f"--workdir={run}", f"--out={tmp_path / 'out.gif'}"]
    assert "this run made clips" in refused(film, *where, "--kind=training")
    assert "no steps from noise" in refused(film, *where, "--kind=denoising")
    assert "cannot decode" in refused(film, *where, "--kind=walk")
    makes_clips = "'rnn_vaegan', which makes clips"
    picture = f"--out={tmp_path / 'out.png'}"
    assert makes_clips in refused(gallery, f"--workdirs={run}", picture)
    page = f"--out={tmp_path / 'page.html'}"
    models = ["--models=vae,rnn_vaegan", f"--runs={tmp_path / 'runs'}"]
    assert makes_clips in refused(compare, *models, page)
    assert not list(tmp_path.iterdir())
