"""Tests the run folder: it resumes to the bit, refuses other settings, writes
atomically."""

import errno
import json
import os
import signal

import numpy as np
import pytest
from PIL import Image
from tiny_runs import TINY, assert_same, prepare, rows, state, trained

import zoo
from zoo import commands, data, metrics
from zoo.commands import repeated
from zoo.commands import train as verb
from zoo.core import rates as rates_of_texts
from zoo.core import saving, schedules
from zoo.drawing import plots
from zoo.evaluation import subject
from zoo.files import archives
from zoo.inputs import pixels
from zoo.pretrained import features as presets
from zoo.runs import callbacks, logs, preparing, strategies, training
from zoo.runs import folder as runs


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Returns a run of four epochs without a break."""
    return trained(tmp_path_factory.mktemp("whole") / "run", "--epochs=4", "--flip")


@pytest.mark.slow
def test_resumed_run_equals_uninterrupted_run_to_the_bit(whole, tmp_path):
    trained(tmp_path / "run", "--epochs=2", "--flip")
    run = prepare(tmp_path / "run", "--epochs=4", "--flip")
    assert run.resumed and run.progress.epoch == 2
    training.train(run)
    assert_same(run, whole)
    assert [row["epoch"] for row in run.folder.rows()] == [1, 2, 3, 4]


@pytest.mark.slow
def test_two_trainings_do_not_share_a_folder(tmp_path, monkeypatch):
    run, refused = prepare(tmp_path / "run", "--epochs=1"), []
    assert not run.folder.is_training() and not run.folder.path.exists()
    begin = callbacks.Clock.on_train_batch_begin

    def begin_twice(self, batch, logs=None):
        begin(self, batch, logs)
        if refused:
            return
        for start in (prepare, lambda *_: training.train(run)):
            with pytest.raises(BlockingIOError, match="Another process trains"):
                start(run.folder.path, "--epochs=1")
            refused.append(start)

    monkeypatch.setattr(callbacks.Clock, "on_train_batch_begin", begin_twice)
    training.train(run)
    assert len(refused) == 2 and not run.folder.is_training()


def content(path):
    return {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}


@pytest.mark.slow
@pytest.mark.parametrize("begun", [False, True])
def test_a_run_that_another_process_has_trained_meanwhile_is_left_as_it_is(
    tmp_path, begun
):
    if begun:
        trained(tmp_path / "run", "--epochs=1")
    slow = prepare(tmp_path / "run", "--epochs=2", *([] if begun else ["--seed=1"]))
    trained(tmp_path / "run", "--epochs=2")
    before = content(tmp_path / "run")
    with pytest.raises(ValueError, match="Another process has trained .* since"):
        training.train(slow)
    assert content(tmp_path / "run") == before


@pytest.mark.slow
def test_a_work_folder_that_got_other_files_meanwhile_is_left_as_it_is(tmp_path):
    run = prepare(tmp_path / "run", "--epochs=1")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.tex").write_text("mine")
    with pytest.raises(ValueError, match="other files"):
        training.train(run)
    assert [file.name for file in (tmp_path / "run").iterdir()] == ["thesis.tex"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "number, code, done", [(signal.SIGTERM, 143, 1), (signal.SIGINT, 130, 2)]
)
def test_run_stopped_within_an_epoch_goes_on_to_the_bit(
    whole, tmp_path, monkeypatch, number, code, done
):
    begin = callbacks.Clock.on_train_batch_begin

    def interrupted(self, batch, logs=None):
        begin(self, batch, logs)
        if self.progress.epoch == 2 and batch == done:
            os.kill(os.getpid(), number)

    monkeypatch.setattr(callbacks.Clock, "on_train_batch_begin", interrupted)
    with pytest.raises(SystemExit) as stopped:
        trained(tmp_path / "run", "--epochs=4", "--flip")
    assert stopped.value.code == code
    monkeypatch.undo()
    run = prepare(tmp_path / "run", "--epochs=4", "--flip")
    assert (run.progress.epoch, run.progress.batch) == (2, done)
    training.train(run)
    assert_same(run, whole)


@pytest.fixture
def stopped(monkeypatch):
    """Returns stopped(workdir, *flags): it starts a run of four epochs, which gets a
    SIGTERM after the first steps of the third one, and returns the (epoch, batch) that
    was saved."""
    begin = callbacks.Clock.on_train_batch_begin

    def interrupted(self, batch, logs=None):
        begin(self, batch, logs)
        if self.progress.epoch == 2 and batch > 0:
            os.kill(os.getpid(), signal.SIGTERM)

    def stop(workdir, *flags):
        with monkeypatch.context() as patch:
            patch.setattr(callbacks.Clock, "on_train_batch_begin", interrupted)
            with pytest.raises(SystemExit):
                trained(workdir, "--epochs=4", *flags)
        progress = prepare(workdir, "--epochs=4", *flags).progress
        return progress.epoch, progress.batch

    return stop


@pytest.mark.slow
def test_several_steps_of_one_call_are_those_of_many(whole, tmp_path, stopped):
    # A call takes two of an epoch's three steps, and the next call the third.
    fast = ("--flip", "--steps_per_execution=2")
    assert stopped(tmp_path / "run", *fast) == (2, 2)
    # The rest is trained by single steps.
    run = prepare(tmp_path / "run", "--epochs=4", "--flip")
    assert run.settings.steps_per_execution == 1
    training.train(run)
    assert_same(run, whole)


@pytest.mark.slow
def test_checkpoints_and_budget_come_after_a_call(tmp_path, monkeypatch):
    fast = ("--steps_per_execution=2", "--epochs=2")
    saved, save = [], runs.RunFolder.save_checkpoint
    monkeypatch.setattr(
        runs.RunFolder,
        "save_checkpoint",
        lambda self, model, progress, best=False: (
            saved.append(progress.step),
            save(self, model, progress, best),
        ),
    )
    run = trained(tmp_path / "run", *fast, "--checkpoint_every=2")
    # Checkpoints are asked for at steps 2 and 4, epochs end with 3 and 6, calls with 2
    # and 5.
    assert saved == [2, 3, 5, 6]
    run = trained(tmp_path / "other", *fast, "--minutes=1e-9")
    assert (run.progress.epoch, run.progress.batch) == (0, 2)


@pytest.mark.slow
def test_accumulated_updates_are_resumed_to_the_bit(tmp_path, stopped):
    # An epoch has two updates: one of two batches, and one of the third.
    flags = ("--gradient_accumulation_steps=2", "--flip")
    run = trained(tmp_path / "whole", "--epochs=4", *flags)
    assert run.progress.step == 8 and run.steps_per_epoch == 2
    assert stopped(tmp_path / "run", *flags) == (2, 1)
    assert_same(trained(tmp_path / "run", "--epochs=4", *flags), run)
    with pytest.raises(ValueError, match="steps is 2 there and 1 here"):
        prepare(tmp_path / "run", "--epochs=4", "--flip")


def test_a_run_of_before_there_was_accumulation_goes_on(whole, monkeypatch):
    stored = whole.folder.stored()
    for name in ("gradient_accumulation_steps", "steps_per_execution"):
        del stored[name]
    monkeypatch.setattr(type(whole.folder), "stored", lambda folder: stored)
    assert not whole.folder.require_same(whole.settings, done=0)


def test_a_second_signal_ends_the_process_at_once():
    before = signal.getsignal(signal.SIGINT)
    with callbacks.Interrupt(None, None):
        assert signal.getsignal(signal.SIGINT) != before
        os.kill(os.getpid(), signal.SIGTERM)
        for number in (signal.SIGTERM, signal.SIGINT):
            assert signal.getsignal(number) == signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) == before


@pytest.mark.slow
def test_budget_stops_at_a_batch_and_more_minutes_go_on(whole, tmp_path):
    run = trained(tmp_path / "run", "--flip", "--epochs=4", "--minutes=1e-9")
    assert (run.progress.epoch, run.progress.batch) == (0, 1)
    assert run.folder.model.exists() and run.folder.curves.exists()
    assert (run.folder.samples / "0001.png").exists()
    assert prepare(
        tmp_path / "run", "--flip", "--epochs=4", "--minutes=1e-9"
    ).is_finished()
    assert_same(trained(tmp_path / "run", "--flip", "--epochs=4"), whole)


@pytest.mark.slow
def test_minutes_alone_leave_the_epochs_open(tmp_path):
    run = trained(tmp_path / "run", "--minutes=0.01")
    assert run.settings.epochs is None
    assert run.is_finished() and run.progress.seconds >= 0.6


@pytest.mark.slow
def test_validation_leaves_no_trace_in_training(whole, tmp_path):
    without = prepare(tmp_path / "run", "--epochs=4", "--flip", "--monitor=elbo")
    without.validation = None
    training.train(without)
    assert rows(without)[-1].keys() == {"epoch", "step", "elbo", "kl", "recon"}
    assert all(np.array_equal(a, b) for a, b in zip(state(without), state(whole)))


@pytest.mark.slow
def test_without_validation_all_training_images_are_trained_on(tmp_path):
    run = prepare(tmp_path / "run", "--novalidation", "--batch_size=500")
    assert run.validation is None and run.steps_per_epoch == 3
    seen = np.concatenate([images for images, _ in run.train.as_numpy_iterator()])
    kept = zoo.data.arrays("digits", "train+validation", image_size=8)[0]
    assert np.array_equal(np.sort(seen, axis=0), np.sort(kept, axis=0))


@pytest.mark.slow
@pytest.mark.parametrize(
    "flag, message",
    [
        ("--batch_size=30", "batch_size is 450 there and 30 here"),
        ("--set=latent_dim=3", "config latent_dim is 2 there and 3 here"),
        ("--seed=1", "seed is 0 there and 1 here"),
        ("--learning_rate=encoder=1e-4", "learning_rate encoder is 0.001 there and"),
        ("--classes=1,2", "classes is None there and"),
        ("--epochs=3", "can only grow"),
    ],
)
def test_other_settings_are_refused_with_the_difference(whole, flag, message):
    before = sorted(whole.folder.path.rglob("*"))
    with pytest.raises(ValueError, match=message):
        prepare(whole.folder.path, "--epochs=4", "--flip", flag)
    assert sorted(whole.folder.path.rglob("*")) == before


@pytest.mark.slow
def test_schedule_spans_the_first_epochs_unless_told_otherwise(tmp_path):
    flags = ("--schedule=cosine", "--learning_rate=2e-3")
    run = trained(tmp_path / "run", "--epochs=2", *flags)
    rate = run.model.optimizers["encoder"].learning_rate
    assert float(rate) == pytest.approx(0, abs=1e-9)
    assert prepare(tmp_path / "run", "--epochs=4", *flags).settings.schedule_epochs == 2
    longer = prepare(tmp_path / "run", "--epochs=4", "--schedule_epochs=4", *flags)
    assert float(longer.model.optimizers["encoder"].learning_rate) == pytest.approx(
        1e-3
    )


def test_run_folder_holds_what_the_contract_names(whole):
    folder = whole.folder.path
    record = json.loads((folder / "run.json").read_text())
    assert record["settings"]["config"]["latent_dim"] == 2
    assert record["seed"] == 0 and record["command"].startswith("python")
    assert {"keras", "tensorflow", "python"} <= set(record["versions"])
    assert "git_commit" in record and set(record["parameters"]) == {
        "encoder",
        "decoder",
    }
    for epoch in range(1, 5):
        assert (folder / f"samples/{epoch:04d}.png").exists()
        assert (folder / f"samples/{epoch:04d}_reconstructions.png").exists()
    checkpoints = sorted(path.name for path in (folder / "checkpoints").iterdir())
    assert checkpoints == ["00000009.keras", "00000012.keras"]
    assert zoo.load(folder).image_shape == (8, 8, 1)


def test_tensorboard_finds_scalars_and_pictures(whole):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(whole.folder.logs / "train")).Reload()
    assert [event.step for event in events.Scalars("kl")] == [1, 2, 3, 4]
    assert set(events.Tags()["images"]) == {"samples", "reconstructions"}
    events = EventAccumulator(str(whole.folder.logs / "validation")).Reload()
    value = events.Scalars("kl")[-1].value
    assert value == pytest.approx(whole.folder.rows()[-1]["val_kl"])


def test_of_many_epochs_tensorboard_is_told_of_fewer_and_fewer(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    writer = logs.Logs(tmp_path, epoch=0)
    for epoch in range(1, 9001):
        writer.scalars(epoch, {"kl": 1.0})
        writer.picture(epoch, "samples", np.zeros((2, 2, 1), "uint8"))
    writer.close()
    sizes = {"scalars": 0, "images": 0}  # 0 keeps all of them, not a sample
    events = EventAccumulator(str(tmp_path / "train"), sizes).Reload()
    steps = [event.step for event in events.Scalars("kl")]
    assert steps[:2001] == [*range(1, 2001), 2002] and steps[-1] == 9000
    assert len(steps) < 5 * logs.SCALARS
    steps = [event.step for event in events.Images("samples")]
    assert steps[:41] == [*range(1, 41), 42] and steps[-1] > 8000
    assert len(steps) < 11 * logs.PICTURES


@pytest.mark.slow
def test_best_model_is_that_of_the_best_epoch(tmp_path):
    # The last epoch is not the best.
    flags = ("--monitor=val_recon", "--learning_rate=0.3")
    run = trained(tmp_path / "run", "--epochs=3", *flags)
    best = min(run.folder.rows(), key=lambda row: row["val_recon"])
    assert run.progress.best == best["val_recon"]
    model = zoo.load(run.folder.best)
    assert int(model.optimizer.iterations) == best["step"]


class Pixels:
    """Features that need no classifier: the upper left pixels of an image."""

    def features(self, images):
        assert images.dtype == np.uint8
        return images[:, :3, :2].reshape(len(images), -1) / 255.0


@pytest.mark.slow
def test_the_quality_of_samples_is_a_term_of_each_epoch(whole, tmp_path, monkeypatch):
    monkeypatch.setattr(presets, "extractor", lambda *words, **named: Pixels())
    flags = ("--flip", "--frechet=40")
    trained(tmp_path / "run", "--epochs=2", *flags, "--monitor=frechet")
    run = trained(tmp_path / "run", "--epochs=4", *flags, "--monitor=frechet")
    terms = [row["frechet"] for row in run.folder.rows()]
    assert run.progress.best == min(terms) and len(terms) == 4

    samples = pixels.to_uint8(run.model.sample(40, seed=0))
    real = zoo.data.arrays("digits", "validation", image_size=8)[0]
    features = map(Pixels().features, (real, samples))
    assert terms[-1] == pytest.approx(metrics.frechet_distance(*features))
    # Measuring does not change training: the state is that of a run without it.
    assert all(np.array_equal(a, b) for a, b in zip(state(run), state(whole)))


@pytest.mark.slow
def test_failed_saving_leaves_the_last_checkpoint(tmp_path, monkeypatch):
    run = trained(tmp_path / "run", "--epochs=1")
    before = sorted(run.folder.checkpoints.iterdir())

    def broken(archive, *arguments):
        raise OSError("disk full")

    monkeypatch.setattr(archives.zipfile.ZipFile, "writestr", broken)
    with pytest.raises(OSError, match="disk full"):
        run.folder.save_checkpoint(run.model, runs.Progress(step=99))
    assert sorted(run.folder.checkpoints.iterdir()) == before


def spoil(file):
    """Flips a byte in the middle of a file."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.slow
def test_a_damaged_checkpoint_gives_way_to_the_one_before(whole, tmp_path, caplog):
    run = trained(tmp_path / "run", "--epochs=3", "--flip")
    first, last = run.folder.saved()
    spoil(last)
    run = prepare(tmp_path / "run", "--epochs=4", "--flip")
    assert last.name in caplog.text
    assert run.progress.epoch == 2 and last.exists()
    training.train(run)
    assert_same(run, whole)
    assert last.with_suffix(".damaged").exists()
    names = [file.name for file in run.folder.saved()]
    assert names == ["00000009.keras", "00000012.keras"]


@pytest.mark.slow
def test_without_a_whole_checkpoint_a_run_does_not_go_on(tmp_path):
    run = trained(tmp_path / "run", "--epochs=2")
    for file in run.folder.saved():
        spoil(file)
    with pytest.raises(ValueError, match="No checkpoint of the run is whole"):
        prepare(tmp_path / "run", "--epochs=3")


@pytest.mark.slow
def test_what_a_killed_process_left_half_written_is_removed(tmp_path):
    run = trained(tmp_path / "run", "--epochs=1")
    inside = ("checkpoints/.partial-00000006-a.keras", "samples/.partial-0002-b.png")
    for name in (".partial-metrics-x.csv", ".partial-model.best-y.keras", *inside):
        (run.folder.path / name).write_text("half")
    # An evaluation may be writing this one at the same time.
    mine = run.folder.path / ".partial-evaluation-z.json"
    mine.write_text("half")
    trained(tmp_path / "run", "--epochs=2")
    assert list(run.folder.path.rglob(".partial-*")) == [mine]


@pytest.mark.slow
def test_a_run_that_was_killed_in_its_last_files_ends_without_their_halves(tmp_path):
    run = trained(tmp_path / "run", "--epochs=1")
    for name in (".partial-model-x.keras", ".partial-SHA256SUMS-y"):
        (run.folder.path / name).write_text("half")
    trained(tmp_path / "run", "--epochs=1")
    assert not list(run.folder.path.rglob(".partial-*"))


@pytest.mark.slow
def test_a_disk_that_is_full_or_read_only_ends_in_a_sentence(tmp_path, monkeypatch):
    run = trained(tmp_path / "run", "--epochs=1")
    before = {file: file.read_bytes() for file in run.folder.saved()}
    save = saving.write

    def full(model, file, members=()):
        save(model, file, members)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), file)

    def read_only(path, **options):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    for module, name, wrong in (
        (saving, "write", full),
        (saving.pathlib.Path, "touch", read_only),
    ):
        with monkeypatch.context() as patch:
            run = prepare(tmp_path / "run", "--epochs=2")
            patch.setattr(module, name, wrong)
            with pytest.raises(OSError, match="No space left|Read-only"):
                training.train(run)
        assert {file: file.read_bytes() for file in run.folder.saved()} == before
        assert not list(run.folder.path.rglob(".partial-*"))
    assert trained(tmp_path / "run", "--epochs=2").is_finished()


@pytest.mark.slow
def test_diverged_training_stops_and_keeps_the_last_good_epoch(tmp_path, monkeypatch):
    run = trained(tmp_path / "run", "--epochs=1")
    run = prepare(tmp_path / "run", "--epochs=2")
    weights = run.model.network("decoder").trainable_variables
    weights[0].assign(weights[0] * np.nan)
    with pytest.raises(ValueError, match="diverged"):
        training.train(run)
    assert run.folder.latest()[1].epoch == 1
    assert len(run.folder.rows()) == 1


@pytest.mark.parametrize(
    "name, text",
    [
        ("run.json", ""),
        ("run.json", '{"settings": {"epochs": 1}}'),
        ("run.json", '{"settings": [1]}'),
        ("run.json", "[" * 10**5),
        ("metrics.csv", "opoch,step\n1,3\n"),
        ("metrics.csv", "epoch,step\n1,3,4\n"),
        ("metrics.csv", "epoch,step\n1,nil\n"),
        ("metrics.csv", f"epoch,step\n1,{'3' * 10**6}\n"),
    ],
)
def test_a_damaged_record_is_named(tmp_path, name, text):
    folder = runs.RunFolder(tmp_path)
    (tmp_path / name).write_text(text)
    read = folder.stored if name == "run.json" else folder.rows
    with pytest.raises(ValueError, match=f"is damaged. Received: .*{name}"):
        read()


@pytest.mark.slow
@pytest.mark.parametrize("inside", ["", "run"])
def test_work_folder_that_is_a_file_or_lies_in_one_is_refused(tmp_path, inside):
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(ValueError, match="is no file"):
        prepare(tmp_path / "taken" / inside)


@pytest.mark.slow
def test_a_run_that_was_killed_before_it_had_a_record_starts(tmp_path):
    (tmp_path / ".partial-run-x.json").write_text("{")
    assert not prepare(tmp_path).resumed


@pytest.mark.slow
def test_work_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(ValueError, match="other files"):
        prepare(tmp_path)


@pytest.mark.slow
def test_work_folder_without_leave_to_write_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(PermissionError, match="not ours to change"):
        prepare(tmp_path / "run")


@pytest.mark.slow
def test_init_from_lends_model_and_weights(whole, tmp_path):
    lender = f"--init_from={whole.folder.path}"
    run = prepare(tmp_path / "run", lender, "--classes=3,4", "--batch_size=9")
    source, copy = whole.model.get_weights(), run.model.get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(source, copy))
    assert int(run.model.optimizer.iterations) == 0


@pytest.mark.slow
def test_the_data_set_is_opened_once(tmp_path, monkeypatch):
    opened, find = [], zoo.data.sources.find  # every way to a set calls it
    monkeypatch.setattr(
        zoo.data.sources, "find", lambda *how: opened.append(how[0]) or find(*how)
    )
    run = prepare(tmp_path / "run", "--epochs=2")
    assert opened == ["digits"]
    # It is not opened again either when the run starts again after a step that failed.
    preparing.begin(run, None)
    assert opened == ["digits"]


@pytest.mark.slow
def test_a_dry_run_writes_no_data_set_either(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ZOO_DATA_DIR", str(tmp_path / "data"))
    flags = ["--model=ae", "--set=width=4", "--dataset=fashion_mnist", "--dry_run"]
    argv = ["train", *flags, f"--workdir={tmp_path}/run"]
    assert commands.start(verb.VERB, verb.main, argv) == 0
    out = capsys.readouterr().out
    assert "28x28x1, 422 steps an epoch" in out and "first batch " in out
    assert not list(tmp_path.iterdir())
    assert commands.start(verb.VERB, verb.main, [*argv, "--batch_size=99999"]) == 1
    assert "batch_size must be at most" in capsys.readouterr().err


@pytest.mark.slow
def test_images_may_be_higher_than_wide(tmp_path):
    run = trained(tmp_path / "run", "--epochs=1", "--image_size=9x12")
    assert run.model.image_shape == (12, 9, 1) == zoo.load(run.folder.path).image_shape
    assert run.folder.stored()["image_size"] == [12, 9]
    assert prepare(tmp_path / "run", "--epochs=1", "--image_size=9x12").is_finished()
    again = repeated.command(run.folder.record, ["train"])
    assert "--image_size=9x12" in again
    # A square is kept as one number, however it is written.
    assert prepare(tmp_path / "8", "--image_size=8x8").settings.image_size == 8


@pytest.mark.slow
def test_how_pictures_are_read_is_kept_with_the_run(tmp_path, capsys):
    """Fully transparent pictures, all of one colour on their background: whoever opens
    the run's set later sees the same images."""
    for name in ("a", "b"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(15):
            pixels = np.full((10, 14, 4), (number, 0, 0, 0), np.uint8)
            file = tmp_path / "photos" / name / f"{number}.png"
            Image.fromarray(pixels).save(file)
    flags = [f"--dataset=folder:{tmp_path / 'photos'}", "--batch_size=8", "--epochs=1"]
    reading = ["--color=rgb", "--fit=pad", "--background=#102030"]
    base = [flag for flag in TINY if not flag.startswith("--batch_size")]
    run = trained(tmp_path / "run", *flags, *reading, base=base)
    options = {"color": "rgb", "fit": "pad", "background": "#102030"}
    assert run.folder.stored()["options"] == options
    assert run.model.image_shape == (8, 8, 3)
    seen = subject.find(run.folder.path)
    images, _ = data.arrays(seen.dataset, "test", **seen.where)
    assert np.unique(images.reshape(-1, 3), axis=0).tolist() == [[16, 32, 48]]
    assert seen.options == options and options.items() <= seen.whole.items()
    again = repeated.command(run.folder.record, ["train"])
    assert set(reading) <= set(again)
    assert prepare(tmp_path / "run", *flags, *reading, base=base).is_finished()
    others = [*reading[:2], "--background=black"]
    with pytest.raises(ValueError, match="background is #102030 there and black here"):
        prepare(tmp_path / "run", *flags, *others, base=base)


@pytest.mark.slow
@pytest.mark.parametrize("size", ["64x", "x64", "8x9x10", "big", "-8", "8.5"])
def test_a_size_that_is_none_is_one_sentence(tmp_path, size):
    with pytest.raises(ValueError, match="WIDTHxHEIGHT, e.g. 64x96. Received: "):
        prepare(tmp_path / "run", f"--image_size={size}")


@pytest.mark.slow
def test_the_lender_is_loaded_once(whole, tmp_path, monkeypatch):
    loaded, load = [], saving.load
    monkeypatch.setattr(saving, "load", lambda path: loaded.append(path) or load(path))
    prepare(tmp_path / "run", f"--init_from={whole.folder.path}")
    assert loaded == [str(whole.folder.path)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "flag, message",
    [
        ("--image_size=12", "choose another size"),
        ("--set=latent_dim=3", "other networks"),
        ("--model=ae", "those of 'vae'"),
        ("--init_from=nowhere", "no such file"),
    ],
)
def test_init_from_another_shape_is_refused(whole, tmp_path, flag, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        prepare(tmp_path / "run", f"--init_from={whole.folder.path}", flag)


def test_schedules_have_the_values_of_their_formulas():
    def rates(*arguments):
        return [float(schedules.Schedule(*arguments)(step)) for step in (0, 1, 4, 8, 9)]

    assert rates("constant", 1.0) == [1, 1, 1, 1, 1]
    assert rates("linear", 1.0, 8) == pytest.approx([1, 7 / 8, 0.5, 0, 0])
    assert rates("cosine", 2.0, 8) == pytest.approx([2, 1.9238795, 1, 0, 0], abs=1e-6)
    assert rates("linear", 1.0, 8, 2) == pytest.approx([0.5, 1, 2 / 3, 0, 0])


def test_values_by_network():
    def read(*texts):
        return rates_of_texts.by_network("learning_rate", texts, ("a", "b"), float, 1.0)

    assert read() == {"a": 1.0, "b": 1.0}
    assert read("2", "b=3") == {"a": 2.0, "b": 3.0}
    for text in ("c=1", "fast", "-1", "a=nan"):
        with pytest.raises(ValueError, match="Received"):
            read(text)


def test_strategies_by_name():
    assert strategies.create("one_device") is None
    for name in ("parameter_server", "multi_worker", "mirorred"):
        with pytest.raises(ValueError, match="Received"):
            strategies.create(name)


@pytest.mark.slow
def test_run_on_two_devices_is_resumed(tmp_path, monkeypatch, two_replicas):
    monkeypatch.setattr(strategies, "create", lambda name: two_replicas)
    trained(tmp_path / "run", "--epochs=1", "--strategy=mirrored")
    run = trained(tmp_path / "run", "--epochs=2", "--strategy=mirrored")
    assert run.resumed and [row["epoch"] for row in run.folder.rows()] == [1, 2]


@pytest.mark.slow
def test_several_steps_of_one_call_are_refused_on_several_devices(
    tmp_path, monkeypatch, two_replicas
):
    monkeypatch.setattr(strategies, "create", lambda name: two_replicas)
    flags = ("--strategy=mirrored", "--steps_per_execution=2")
    with pytest.raises(ValueError, match="on one device .* steps_per_execution=2"):
        prepare(tmp_path / "run", *flags)
    assert not list(tmp_path.iterdir())


def test_pictures_are_legible(tmp_path):
    for count, side, columns in ((9, 8, None), (80, 28, 8), (400, 28, 20)):
        images = np.zeros((count, side, side, 1), "uint8")
        picture = plots.save_grid(tmp_path / "grid.png", images, columns)
        assert 560 <= max(picture.shape[:2]) < 1120
    assert [path.name for path in tmp_path.iterdir()] == ["grid.png"]
