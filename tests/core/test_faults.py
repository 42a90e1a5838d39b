"""NaN, infinity, collapse and dead networks: found where they arise, and said."""

import json
import os
import signal

import keras
import numpy as np
import pytest
import tiny
from keras import ops
from tiny_runs import of, prepare, trained

import zoo
from experiments import train as verb
from zoo.core import faults, saving
from zoo.runs import callbacks, health, settings, training
from zoo.runs.folder import Progress


def found(model):
    """(step, terms, networks, message) of the fault of a model."""
    with pytest.raises(faults.NotFiniteError) as caught:
        model.faults.require_none()
    fault = caught.value
    return fault.step, fault.terms, fault.networks, str(fault)


def test_a_sound_model_has_no_fault():
    model = tiny.model("vaegan")
    for _ in range(2):
        tiny.step(model, (tiny.floats(4), tiny.labels(4)))
    model.faults.require_none()
    norms = ops.convert_to_numpy(model.faults.norms)
    assert norms.shape == (len(model.networks),) and (norms > 0).all()


def test_a_loss_that_is_not_finite_is_named_with_its_first_step():
    model = tiny.model("vae")
    data = (tiny.floats(4), tiny.labels(4))
    tiny.step(model, data)
    kernel = model.decoder.trainable_variables[0]
    kernel.assign(kernel * np.nan)
    for _ in range(3):
        tiny.step(model, data)
    step, terms, networks, message = found(model)
    assert step == 2 and "recon" in terms and "kl" not in terms
    assert networks == ["encoder", "decoder"]
    assert "step 2" in message and "--on_nan=rollback" in message


def test_a_gradient_that_is_not_finite_is_named_though_its_loss_is():
    model = tiny.model("vae")
    objective = model.objective

    def with_a_hole(images, labels=None, training=True):
        losses, terms = objective(images, labels, training)
        kernel = model.decoder.trainable_variables[0]
        distance = kernel - ops.stop_gradient(kernel)
        loss = losses["decoder"] + ops.sum(ops.sqrt(distance * distance))  # + 0
        return dict.fromkeys(losses, loss), terms

    model.objective = with_a_hole
    tiny.step(model, (tiny.floats(4), tiny.labels(4)))
    step, terms, networks, message = found(model)
    assert (step, terms, networks) == (1, [], ["decoder"])
    assert "the gradient of decoder" in message


def test_weights_that_are_not_finite_are_named_though_their_gradient_is():
    model = tiny.model("vae")
    rates = {"encoder": 0.1, "decoder": float("inf")}
    model.compile({n: keras.optimizers.SGD(rate) for n, rate in rates.items()})
    tiny.step(model, (tiny.floats(4), tiny.labels(4)))
    step, terms, networks, message = found(model)
    assert (step, terms, networks) == (1, [], ["decoder"])
    assert "are the weights of decoder" in message


def test_weights_that_spoil_no_term_are_found_at_the_end_of_the_epoch():
    model = tiny.model("ae")

    class Poison(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            kernel = model.decoder.trainable_variables[0]
            kernel.assign(kernel * np.inf)

    with pytest.raises(faults.NotFiniteError, match="the weights of decoder"):
        tiny.train(model, 1, batch_size=10, callbacks=[Poison(), faults.Finite()])


def test_statistics_of_batches_that_are_infinite_are_found_too():
    model = tiny.model("gan")
    tiny.step(model, tiny.floats(4))
    trained = {id(v) for v in model.generator.trainable_variables}
    variance = next(v for v in model.generator.weights if id(v) not in trained)
    variance.assign(variance * np.inf)
    model.faults.look_at_weights(model)
    assert found(model)[2] == ["generator"]


def test_fit_stops_one_step_after_the_one_that_failed(monkeypatch):
    monkeypatch.setattr(faults, "SHARE", float("inf"))  # each step is looked at
    model = tiny.model("gan")
    begun = []

    class Poison(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            begun.append(batch)
            if batch == 3:
                kernel = model.generator.trainable_variables[0]
                kernel.assign(kernel * np.inf)

    with pytest.raises(faults.NotFiniteError, match="step 4.*generator"):
        tiny.train(model, 2, batch_size=1, callbacks=[Poison(), faults.Finite()])
    assert begun == [0, 1, 2, 3, 4, 5]


def test_of_several_steps_of_one_call_the_one_that_failed_is_named():
    model = tiny.model("ae")
    model.compile(steps_per_execution=4)
    images = tiny.floats(6)
    images[2] = np.nan  # of the third step
    data = tiny.batches((images, tiny.labels(6)), 1)
    with pytest.raises(faults.NotFiniteError, match="step 3"):
        model.fit(data, shuffle=False, verbose=0, callbacks=[faults.Finite()])


def test_a_fault_of_the_last_step_of_an_epoch_is_found_before_anything_is_saved():
    model = tiny.model("ae")
    kernel = model.decoder.trainable_variables[0]
    kernel.assign(kernel * np.nan)
    with pytest.raises(faults.NotFiniteError, match="step 1"):
        tiny.train(model, 1, batch_size=10, callbacks=[faults.Finite()])


def poison(monkeypatch, when):
    """Makes a weight of the decoder NaN at each beginning of a step for which
    `when(run's progress, model)` holds."""
    begin = callbacks.Clock.on_train_batch_begin

    def poisoned(self, batch, logs=None):
        begin(self, batch, logs)
        if when(self.progress, self.model):
            kernel = self.model.decoder.trainable_variables[0]
            kernel.assign(kernel * np.nan)

    monkeypatch.setattr(callbacks.Clock, "on_train_batch_begin", poisoned)


def rate(model):  # of a network of the tiny VAE
    return float(model.optimizers["encoder"].learning_rate)


def test_a_rollback_halves_the_rate_and_the_run_goes_on(tmp_path, monkeypatch, capsys):
    def when(progress, model):
        return progress.epoch == 1 and progress.batch == 2 and rate(model) > 9e-4

    poison(monkeypatch, when)
    run = trained(tmp_path / "run", "--epochs=2", "--on_nan=rollback")
    assert run.progress.halved == {"encoder": 1, "decoder": 1}
    assert "step 5 was not finite: back to step 3" in capsys.readouterr().out
    assert [row["step"] for row in run.folder.rows()] == [3, 6]
    record = json.loads(run.folder.record.read_text())
    assert "halved (1 of 3)" in record["continued"][-1]["rolled_back"]
    again = prepare(tmp_path / "run", "--epochs=3", "--on_nan=rollback")
    assert rate(run.model) == rate(again.model) == np.float32(5e-4)


def test_a_signal_beside_a_fault_ends_the_run_without_a_rollback(tmp_path, monkeypatch):
    run = trained(tmp_path / "run", "--epochs=1")

    def when(progress, model):
        poisoned = progress.epoch == 1 and progress.batch == 1
        if poisoned:
            os.kill(os.getpid(), signal.SIGTERM)
        return poisoned

    poison(monkeypatch, when)
    with pytest.raises(SystemExit) as ended:
        trained(tmp_path / "run", "--epochs=2", "--on_nan=rollback")
    assert ended.value.code == 143
    assert [file.stem for file in run.folder.saved()] == ["00000003"]


def test_three_rollbacks_are_the_most(tmp_path, monkeypatch):
    poison(monkeypatch, lambda progress, model: progress.epoch == 1)
    with pytest.raises(faults.NotFiniteError, match="diverged at step 4") as raised:
        trained(tmp_path / "run", "--epochs=2", "--on_nan=rollback")
    assert "=... than 3 rollbacks have made may help" in str(raised.value)
    assert "--on_nan" not in str(raised.value)
    run = prepare(tmp_path / "run", "--epochs=2")
    assert run.progress.epoch == 1 and len(run.folder.rows()) == 1
    assert len(run.folder.saved()) == 1
    record = json.loads(run.folder.record.read_text())
    assert ["rolled_back" in each for each in record["continued"]] == [True] * 3


def test_a_spoilt_model_is_never_saved_as_a_checkpoint(tmp_path, monkeypatch):
    # Before the checkpoint of step 2 is written, as the third step begins.
    poison(monkeypatch, lambda progress, model: progress.batch == 3)
    with pytest.raises(faults.NotFiniteError, match="step 2"):
        trained(tmp_path / "run", "--epochs=1", "--checkpoint_every=1")
    run = prepare(tmp_path / "run", "--epochs=1")
    assert run.progress.step == 1 and saving.load(run.folder.saved()[-1])


def test_weights_that_no_gradient_has_spoilt_reach_no_checkpoint_either(tmp_path):
    run = trained(tmp_path / "run", "--epochs=1")
    (before,) = run.folder.saved()
    kernel = run.model.decoder.trainable_variables[0]
    kernel.assign(kernel * np.inf)
    with pytest.raises(faults.NotFiniteError, match="the weights of decoder"):
        run.folder.save_checkpoint(run.model, Progress(epoch=1, batch=1, step=4))
    assert run.folder.saved() == [before]


# --- warnings -------------------------------------------------------------------------


def test_variety_is_one_of_images_and_zero_of_few_images_repeated():
    images, _ = zoo.data.arrays("digits", "train")
    assert 0.8 < health.variety(images[:64], images[64:128]) < 1.25
    assert health.variety(np.repeat(images[:8], 8, axis=0), images[64:128]) == 0
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 8, (64, 28, 28, 1))
    nearly = np.repeat(images[:8], 8, axis=0) // 2 + noise.astype("uint8")
    assert health.variety(nearly, images[64:128]) < health.COLLAPSED


@pytest.fixture
def gan_run(tmp_path, monkeypatch):
    """One epoch of a tiny GAN after `spoil(model)`."""
    monkeypatch.setattr(health, "PATIENCE", 1)

    def run(spoil):
        flags = ("--learning_rate=0", "--epochs=1")
        run = prepare(tmp_path / "run", *flags, base=of("gan"))
        spoil(run.model)
        training.train(run)

    return run


def blank(network):
    network.set_weights([weight * 0 for weight in network.get_weights()])


def test_a_generator_of_one_image_is_told(gan_run, caplog):
    gan_run(lambda model: blank(model.averaged_network("generator")))
    assert "mode collapse" in caplog.text


def test_a_discriminator_that_learns_no_more_is_told(gan_run, caplog):
    gan_run(lambda model: blank(model.discriminator))
    assert "the discriminator no longer learns" in caplog.text
    assert "the generator no longer learns" in caplog.text  # nothing comes through


def test_a_training_as_it_should_be_is_not_warned_about(gan_run, caplog, monkeypatch):
    monkeypatch.setattr(health, "COLLAPSED", 0)  # its samples are those of a beginner
    gan_run(lambda model: None)
    assert "no longer learns" not in caplog.text and "collapse" not in caplog.text


def test_several_workers_cannot_roll_back():
    asked = ["train", "--model=vae", "--strategy=multi_worker", "--on_nan=rollback"]
    verb.VERB.parse(asked)
    with pytest.raises(ValueError, match="workers cannot roll back.*on_nan=rollback"):
        settings.resolve(verb.VERB.flags.flag_values_dict(), dataset=None)
