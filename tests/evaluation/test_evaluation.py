"""Tests evaluations: all scores of a model, their protocol, and what is refused."""

import dataclasses
import json
import types

import numpy as np
import pytest
import tiny
from capable import only  # noqa: F401
from untrained import FEW, cache, folder_of  # noqa: F401
from verbs import called, typed

import zoo
from zoo import evaluation
from zoo.commands import evaluate, extractor
from zoo.core import saving
from zoo.core.capabilities import Capable
from zoo.evaluation import codes, images, references, subject, table
from zoo.evaluation.bench import Bench
from zoo.pretrained import features as presets
from zoo.runs import folder as runs


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Returns the run folder of a VAE."""
    return folder_of(tmp_path_factory.mktemp("runs") / "vae", "vae")


@pytest.fixture(scope="module")
def measured(run):
    return evaluation.evaluate(run, FEW)


@pytest.mark.slow
def test_a_vae_has_every_score_but_those_of_others(measured):
    expected = {"frechet", "kernel_spread", "coverage", "nearest_train", "recon_ssim"}
    expected |= {"pca_mse", "neighbour_accuracy_untrained", "latent_kl", "nll"}
    assert expected <= set(measured.scores)
    lacking = {"conditional_accuracy", "cas", "cas_real", "bits_per_dim", "accuracy"}
    answers = next(g for g in evaluation.groups.GROUPS if g.title.startswith("answers"))
    lacking |= {*images.FOLLOWED, *answers.scores}
    assert set(measured.not_applicable) == lacking
    assert measured.not_applicable["accuracy"] == "'vae' cannot classify"
    assert not set(measured.scores) & set(measured.not_applicable)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ddpm", "vae"])
def test_k_is_a_number_of_samples_and_never_the_length_of_a_ladder(name):
    """A ddpm's bound of `k` steps would be looser than the one it has by all its
    steps."""
    model, pixels = tiny.model(name), tiny.images(3)
    bench = types.SimpleNamespace(model=model, options=FEW, test=pixels, details={})
    bench.need = bench.skip = lambda *_: None
    scores = codes.likelihood(bench)
    options = {"seed": FEW.seed} | ({} if name == "ddpm" else {"k": FEW.k})
    assert bench.details["nll"] == {"num_images": 3} | options
    score = scores["bits_per_dim" if name == "ddpm" else "nll"]
    assert score == pytest.approx(model.nll(pixels, **options).mean(), rel=1e-5)


def test_scores_stand_beside_the_floor_and_the_ladder(measured):
    rungs = ["blur 0.5", "blur 1", "blur 2", "noise 0.05", "noise 0.1", "noise 0.2"]
    assert list(measured.references) == ["train", *rungs]
    floor = measured.references["train"]
    assert floor["frechet"] < measured.references["blur 2"]["frechet"]
    assert floor["frechet"] < measured.scores["frechet"]
    assert floor["sharpness"] == pytest.approx(1, abs=0.1)


def test_references_are_measured_once_a_protocol(measured):
    calls = []

    def compare(images):
        calls.append(len(images))
        return {"frechet": float(len(calls))}

    images = tiny.images(30)
    bench = types.SimpleNamespace(
        test=images, test_labels=None, train=images, details={}, options=FEW
    )
    bench.compare, bench.progress = compare, evaluation.Stages()
    protocol = dataclasses.replace(measured.protocol, code="0.1.0 abc")
    first = references.measure(bench, protocol)
    assert references.measure(bench, protocol) == first and calls == [30] * 7
    other = dataclasses.replace(protocol, seed=1)
    assert references.measure(bench, other) != first
    dirty = dataclasses.replace(protocol, code="0.1.0 abc-dirty")
    for _ in range(2):
        references.measure(bench, dirty)
    assert len(calls) == 4 * 7


def test_a_score_comes_with_its_protocol_and_warnings(measured):
    p = measured.protocol
    assert (p.dataset, p.split, p.num_real, p.num_generated) == (
        "digits",
        "test",
        60,
        60,
    )
    assert p.extractor == "classifier-digits" and len(p.sha256) == 64
    assert any("only 60 images" in warning for warning in measured.warnings)
    assert any("192 features" in warning for warning in measured.warnings)


def test_an_evaluation_survives_its_file(measured, tmp_path):
    infinite = {"recon_psnr": np.inf}  # JSON has no infinity
    changed = dataclasses.replace(measured, scores=measured.scores | infinite)
    path = changed.write(tmp_path / "evaluation.json")
    again = evaluation.read(path)
    assert again.protocol == measured.protocol
    assert again.scores == measured.scores | {"recon_psnr": None}
    path.write_text("{}")
    with pytest.raises(ValueError, match="no evaluation of this version"):
        evaluation.read(path)


def widest(measured):
    """Returns the columns of the table, without the path in its first line."""
    path, *lines = table.lines(measured)
    assert path == measured.file
    return max(map(len, lines))


def test_the_table_tells_all_within_88_columns(measured):
    assert widest(measured) <= 88
    text = "\n".join(table.lines(measured))
    assert "vae on digits" in text and "warning: only 60 images" in text
    assert "not applicable, 'vae' cannot classify: accuracy" in text
    assert "'vae' cannot translate: all answers to sources" in text
    titles = {score for score, _, _ in (*table.ROWS, *table.SECOND, *table.SINGLES)}
    untitled = {score.removeprefix("recon_") for score in measured.scores} - titles
    assert untitled <= {"mse", "psnr", "ssim", "class_kept"}


@pytest.mark.parametrize(
    "value, text",
    [
        (None, "inf"),
        (0.0, "0"),
        (7, "7"),
        (0.012345, "0.0123"),
        (-0.012345, "-0.012"),
        (0.0062345, "0.0062"),
        (-0.0062345, "-0.006"),
        (0.00012, "1e-04"),
        (93.25, "93.2"),
        (-228.71, "-228.7"),
        (1234.5, "1234"),
        (1e7, "1e+07"),
    ],
)
def test_numbers_are_short(value, text):
    assert table.short(value) == text and len(text) <= 6


@pytest.mark.slow
@pytest.mark.parametrize("name", ["classifier", "ae"])
def test_what_a_model_cannot_is_listed(name, tmp_path):
    config = {"num_classes": 10} if name == "classifier" else {}
    measured = evaluation.evaluate(folder_of(tmp_path / "run", name, **config), FEW)
    reasons = measured.not_applicable
    if name == "classifier":
        assert set(measured.scores) == {"accuracy"} and not measured.references
    if name == "ae":
        assert "recon_frechet" in measured.scores
        assert reasons["frechet"] == "'ae' cannot sample"
        assert reasons["latent_kl"] == "'ae' has no prior to compare with"
        assert reasons["nll"] == "'ae' has no likelihood"
    assert widest(measured) <= 88


@pytest.mark.parametrize(
    "name, scores",
    [("only_sample", {"frechet"}), ("only_encode", {"neighbour_accuracy"})],
)
def test_a_model_that_can_do_one_thing_has_its_scores(name, scores, only, tmp_path):  # noqa: F811
    measured = evaluation.evaluate(folder_of(tmp_path / "run", name), FEW)
    assert scores <= set(measured.scores)
    lacking = "sample" if name == "only_encode" else "encode"
    assert f"{name!r} cannot {lacking}" in measured.not_applicable.values()
    assert measured.not_applicable["recon_mse"] == f"{name!r} cannot reconstruct"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pix2pix", "srgan", "palette"])
def test_answers_stand_beside_their_sources(name, tmp_path):
    config = {"task": "edges"} if name == "pix2pix" else {}
    measured = evaluation.evaluate(folder_of(tmp_path / "run", name, **config), FEW)
    scores = measured.scores
    for part in ("answer_", "source_"):
        assert {f"{part}psnr", f"{part}frechet", f"{part}class_kept"} <= set(scores)
        assert measured.not_applicable[f"{part}colourfulness"] == "the images are grey"
    if name == "srgan":  # an untrained one repeats pixels, and bicubic ones are better
        assert scores["answer_psnr"] < scores["source_psnr"] < 40
        assert scores["answer_spread"] == 0
    else:
        assert scores["answer_spread"] > 0
    assert "recon_mse" in measured.not_applicable and "train" in measured.references
    text = "\n".join(table.lines(measured))
    assert " answer source" in text and "ratio of answers, dB" in text
    assert widest(measured) <= 88


def test_sources_are_brought_to_the_size_and_the_channels_of_images():
    small = np.arange(2 * 4 * 4, dtype="uint8").reshape(2, 4, 4, 1)
    enlarged = images._as_images(small, (8, 8, 3))
    assert enlarged.shape == (2, 8, 8, 3) and enlarged.dtype == np.uint8
    assert (enlarged[..., 0] == enlarged[..., 2]).all()
    np.testing.assert_allclose(enlarged.mean(), small.mean(), atol=0.5)
    np.testing.assert_array_equal(images._as_images(small, (4, 4, 1)), small)


@pytest.mark.slow
def test_chosen_classes_keep_their_names(tmp_path):
    run = folder_of(tmp_path / "run", "gan")
    measured = evaluation.evaluate(run, FEW, classes=("3", "8"))
    assert measured.protocol.classes == ("3", "8")
    # Of the digits of the floor, this share is classified as threes and as eights.
    assert measured.references["train"]["class_distance"] < 0.15
    assert len(measured.details["class_histogram"]) == 10
    assert measured.not_applicable["recon_mse"] == "'gan' cannot reconstruct"


class Oracle(Capable):
    """A sampler that returns training images which have the labels it is asked for."""

    name, config, conditional = "oracle", {"num_classes": 10}, True
    draw = None  # a model with `draw` can sample

    def __init__(self, collapsed):
        self.images, self.labels = zoo.data.arrays("digits", "train")
        self.collapsed = collapsed

    def traits(self):
        return {"labels"}

    def sample(self, count, labels, seed):
        assert len(labels) == count
        random = np.random.default_rng(seed)
        rows = [random.choice(np.flatnonzero(self.labels == each)) for each in labels]
        rows = rows[:1] * count if self.collapsed else rows
        return self.images[rows] / 127.5 - 1


@pytest.mark.slow
def test_samples_of_asked_labels_that_are_copies_are_found_out(run):
    scores = {}
    for collapsed in (False, True):
        target = dataclasses.replace(subject.find(run), model=Oracle(collapsed))
        options = evaluation.Options(num_images=297, cas_steps=3)
        bench = Bench(target, options, evaluation.Stages())
        bench.prepare()
        scores[collapsed] = images.samples(bench)
    taught = images.substitution(bench)
    assert set(taught) == {"cas", "cas_real"} and max(taught.values()) <= 1
    good, bad = scores[False], scores[True]
    assert good["conditional_accuracy"] > 0.95 and good["class_distance"] < 0.05
    assert good["closer_to_train"] > 0.95 and good["nearest_train"] < 0.1
    assert good["precision"] > 0.5 and good["recall"] > 0.5 and good["coverage"] > 0.5
    assert bad["coverage"] < 0.1 and bad["recall"] == 0
    assert bad["classifier_score"] == pytest.approx(1) and bad["class_distance"] > 0.8


class Flat:
    """Stands in for InceptionV3: its features are a few pixels."""

    name, sha256 = "flat", "00"

    def features(self, images):
        images = images.reshape(len(images), -1)
        return images[:, :: images.shape[1] // 8] / 255


@pytest.mark.slow
def test_the_judge_looks_at_no_image_twice(tmp_path, monkeypatch):
    looked, probabilities = [], presets.Extractor.probabilities

    def counted(self, images):
        looked.append(images.tobytes())
        return probabilities(self, images)

    monkeypatch.setattr(presets.Extractor, "probabilities", counted)
    monkeypatch.setattr(presets, "Inception", Flat)
    options = dataclasses.replace(FEW, features="inception")
    measured = evaluation.evaluate(folder_of(tmp_path / "run", "vae"), options)
    assert {"class_distance", "recon_class_kept"} <= set(measured.scores)
    # There are samples, reconstructions, test and training images, and six rungs of the
    # ladder.
    assert len(looked) == len(set(looked)) == 10


@pytest.mark.slow
def test_scores_of_classes_do_not_apply_to_an_unlabelled_set(tmp_path, monkeypatch):
    np.savez(tmp_path / "data.npz", images=tiny.images(300))
    monkeypatch.chdir(tmp_path)  # the table names the set even if its path is long
    run = folder_of(tmp_path / "run", "vae", "npz:data.npz", (8, 8, 1))
    measured = evaluation.evaluate(run, FEW)
    assert measured.protocol.extractor == "pretext" and measured.protocol.second is None
    assert {"recon_mse", "recon_ssim", "recon_frechet"} <= set(measured.scores)
    reason = measured.not_applicable["pretext_frechet"]
    assert reason == "the features are those that need no labels"
    missing = {"classifier_score", "class_distance", "probe_accuracy", "accuracy"}
    missing |= {"recon_class_kept", "recon_classifier_score", "cas"}
    assert missing <= set(measured.not_applicable) and "frechet" in measured.scores
    assert "no labels" in measured.not_applicable["class_distance"]
    assert widest(measured) <= 88


def test_scores_of_two_kinds_of_features_stand_side_by_side(measured):
    assert measured.protocol.second == "pretext"
    assert measured.scores["pretext_frechet"] != measured.scores["frechet"]
    assert measured.details["standard_errors"]["pretext_frechet"] > 0
    assert "pretext_frechet" in measured.references["blur 1"]
    lines = table.lines(measured)
    place = lines.index("by pretext features, which need no labels:")
    assert lines[place + 1].startswith("Frechet distance (-)")
    assert any(line.split()[:1] == ["pretext"] for line in lines[:6])


@pytest.mark.slow
def test_features_of_two_classes_say_that_they_tell_little(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE_DIR", str(tmp_path / "cache"))
    labels = np.arange(300) % 2
    np.savez(tmp_path / "two.npz", images=tiny.images(300), labels=labels)
    two = f"npz:{tmp_path / 'two.npz'}"
    run = folder_of(tmp_path / "run", "vae", two, (8, 8, 1))
    measured = evaluation.evaluate(run, FEW)
    assert any("classifier of two classes" in each for each in measured.warnings)


# --- by command line ------------------------------------------------------------------

QUICK = ["--num_images=60", "--nll_images=4", "--k=2"]


@pytest.mark.slow
def test_evaluate_prints_a_table_and_writes_the_same_scores(run, measured):
    out = typed("evaluate", "--workdir=vae", *QUICK, cwd=run.parent)
    assert "Frechet distance" in out and "samples ..." in out
    written = evaluation.read(run / "evaluation.json")
    assert written.details["seconds"] > 0
    written.protocol.require_same(measured.protocol)
    assert written.scores == pytest.approx(measured.scores, rel=1e-4)


def test_help_is_grouped(capsys):
    for verb in (evaluate, extractor):
        assert called(verb, "--help") == 0
        out = capsys.readouterr().out
        assert "What:" in out and max(map(len, out.splitlines())) <= 88


@pytest.mark.parametrize(
    "flags, sentence",
    [
        (["--workdir=nowhere"], "nowhere"),
        (["--num_images=19"], "at least 20"),
        (["--k=0"], "at least 1"),
        (["--cas_steps=-1"], "at least 0"),
        (["--features=resnet"], "auto, classifier, pretext or inception"),
        (["--dataset=digts"], "digts"),
        (["--image_size=8"], "28x28x1"),
        (["--classes=11"], "Unknown class '11'"),
        (["--watch"], "takes no --out"),
    ],
)
def test_wrong_flag_is_one_sentence(run, flags, sentence, tmp_path, capsys):
    out = tmp_path / "out.json"
    assert called(evaluate, f"--workdir={run}", f"--out={out}", *flags) == 1
    err = capsys.readouterr().err
    assert sentence in err and err.count("\n") == 1 and not out.exists()


def refused(path, capsys):
    """Returns the single line with which a path is refused."""
    assert called(evaluate, f"--workdir={path}", *QUICK) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    return err


def test_a_folder_without_a_finished_model_is_one_sentence(run, tmp_path, capsys):
    folder = folder_of(tmp_path / "run", "vae")
    checkpoints = folder / "checkpoints"
    checkpoints.mkdir()
    (folder / "model.keras").rename(checkpoints / "00000007.keras")
    assert "00000007.keras" in refused(folder, capsys)
    (checkpoints / "00000007.keras").unlink()
    assert "no finished model" in refused(folder, capsys)


@pytest.mark.slow
def test_an_unknown_or_missing_run_json_is_one_sentence(tmp_path, capsys):
    folder = folder_of(tmp_path / "run", "vae")
    (folder / "run.json").write_text('{"settings": {"epochs": 3}}')
    assert "does not know" in refused(folder, capsys)
    (folder / "run.json").write_text("{")
    assert "damaged" in refused(folder, capsys)
    (folder / "run.json").unlink()
    assert "--dataset=digits" in refused(folder / "model.keras", capsys)


def test_an_unfinished_run_is_measured_with_a_warning(tmp_path):
    folder = folder_of(tmp_path / "run", "classifier", num_classes=10)
    (folder / "model.keras").rename(folder / "model.best.keras")
    measured = evaluation.evaluate(folder, FEW)
    assert "not finished" in measured.warnings[0]


def test_a_file_is_measured_by_the_images_of_its_run_and_beside_it(run):
    checkpoints = run / "checkpoints"
    checkpoints.mkdir(exist_ok=True)
    file = checkpoints / "00000003.keras"
    tiny.model("ae", (28, 28, 1)).save(file)
    target = subject.find(file)
    assert target.dataset == "digits" and target.file == file
    assert target.out == checkpoints / "00000003.evaluation.json"


def test_too_few_test_images_are_one_sentence(tmp_path, capsys):
    np.savez(tmp_path / "few.npz", images=tiny.images(30), labels=tiny.labels(30))
    folder = folder_of(
        tmp_path / "run", "ae", f"npz:{tmp_path / 'few.npz'}", shape=(8, 8, 1)
    )
    assert "at least 20 test images" in refused(folder, capsys)


def test_extractor_is_made_of_a_classifiers_run(tmp_path, capsys):
    folder = folder_of(tmp_path / "run", "classifier", num_classes=10)
    out = tmp_path / "weights"
    assert called(extractor, f"--workdir={folder}", f"--out={out}") == 0
    assert "sha256" in capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == ["digits.json", "digits.npz"]


# --- a running training ---------------------------------------------------------------


def checkpoint(run, step, model):
    """Writes a checkpoint as training does, where an epoch has one step."""
    folder = runs.RunFolder(run)
    folder.checkpoints.mkdir(exist_ok=True)
    folder.save_checkpoint(model, runs.Progress(epoch=step, step=step))


@pytest.mark.slow
def test_watching_marks_and_keeps_the_best_checkpoint(tmp_path, monkeypatch):
    run = folder_of(tmp_path / "run", "gan")
    (run / "model.keras").unlink()
    noise, grey = tiny.model("gan", (28, 28, 1)), tiny.model("gan", (28, 28, 1))
    grey.generator_ema.set_weights([w * 0 for w in grey.generator.get_weights()])
    said, steps = [], [grey, noise, grey]
    watch = evaluation.Watch(run, FEW, evaluation.Stages())
    for step, model in enumerate(steps, 1):
        checkpoint(run, step, model)
        assert watch.look(said.append) and not watch.look(said.append)
    marked = ["best so far" in line for line in said]
    values = [row["frechet"] for row in watch.rows]
    assert len(set(values)) == 2 and values[0] == pytest.approx(values[2])
    assert marked == [True, values[1] < values[0], False]
    assert watch.best["epoch"] == 1 + int(marked[1])
    kept = saving.load(watch.kept).sample(1, seed=0)
    np.testing.assert_array_equal(
        kept, steps[watch.best["epoch"] - 1].sample(1, seed=0)
    )
    record = json.loads(watch.record.read_text())
    assert record["best"] == watch.best and record["rows"] == watch.rows
    assert not list(run.glob(".watched*"))
    # A second watch goes on with the scores that are there, and keeps the best.
    again = evaluation.Watch(run, FEW, evaluation.Stages())
    checkpoint(run, 4, steps[2 - int(marked[1])])  # the worse one, or an equal one
    assert again.look(said.append)
    assert [row["epoch"] for row in again.rows] == [1, 2, 3, 4]
    assert again.best == watch.best and "best" not in said[-1]
    # A checkpoint that has a score is not sampled again.
    third = evaluation.Watch(run, FEW, evaluation.Stages())
    with monkeypatch.context() as patch:
        patch.setattr(images, "made_by", None)
        assert third.look(said.append) and third.rows == again.rows
    others = evaluation.Options(num_images=40, nll_images=4, k=2)
    other = evaluation.Watch(run, others, evaluation.Stages())
    assert other.look(said.append)
    assert [row["epoch"] for row in other.rows] == [4]  # its rows have another protocol


@pytest.mark.slow
def test_the_best_checkpoint_is_not_chosen_by_the_test_images(tmp_path, monkeypatch):
    run = folder_of(tmp_path / "run", "gan")
    read, arrays = [], zoo.data.arrays
    monkeypatch.setattr(
        zoo.data,
        "arrays",
        lambda name, split="train", *words, **named: (
            read.append(split) or arrays(name, split, *words, **named)
        ),
    )
    checkpoint(run, 1, tiny.model("gan", (28, 28, 1)))
    watch = evaluation.Watch(run, FEW, evaluation.Stages())
    assert watch.look([].append)
    assert "validation" in read and "test" not in read
    protocol = json.loads(watch.record.read_text())["protocol"]
    assert protocol["split"] == "validation"


@pytest.mark.slow
def test_a_model_that_has_diverged_is_one_sentence(tmp_path, capsys):
    run = folder_of(tmp_path / "run", "gan")
    model = saving.load(run)
    model.generator_ema.set_weights([w * np.nan for w in model.generator.get_weights()])
    model.save(run / "model.keras")
    assert "diverged" in refused(run, capsys)


@pytest.mark.slow
def test_watching_ends_with_the_run(tmp_path, capsys):
    run = folder_of(tmp_path / "run", "ae")
    checkpoint(run, 7, tiny.model("ae", (28, 28, 1)))
    assert called(evaluate, f"--workdir={run}", "--watch", *QUICK) == 0
    out = capsys.readouterr().out.splitlines()
    assert "epoch 7" in out[0] and "model.best_frechet.keras" in out[1]


@pytest.mark.slow
def test_watching_goes_on_while_somebody_trains(tmp_path, monkeypatch):
    run, model = folder_of(tmp_path / "run", "ae"), tiny.model("ae", (28, 28, 1))
    checkpoint(run, 1, model)
    training = runs.RunFolder(run).held()
    training.__enter__()

    def sleep(_):
        checkpoint(run, 2, model)
        training.__exit__(None, None, None)

    monkeypatch.setattr("zoo.evaluation.watch.time.sleep", sleep)
    watch = evaluation.Watch(run, FEW, evaluation.Stages())
    watch.run([].append)
    assert [row["epoch"] for row in watch.rows] == [1, 2]


def test_what_cannot_be_watched_is_one_sentence(tmp_path, capsys):
    run = folder_of(tmp_path / "run", "classifier", num_classes=10)
    checkpoint(run, 1, saving.load(run))
    (tmp_path / "empty").mkdir()
    for path, sentence in (
        (run, "cannot sample"),
        (tmp_path / "empty", "no run to watch"),
        (tmp_path / "none", "no such file or folder"),
    ):
        assert called(evaluate, f"--workdir={path}", "--watch", *QUICK) == 1
        err = capsys.readouterr().err
        assert sentence in err and err.count("\n") == 1
