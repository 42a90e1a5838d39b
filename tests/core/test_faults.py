"""Tests that NaN, infinity, collapse and dead networks are noticed where they arise and
reported."""

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
from zoo.commands import train as verb
from zoo.core import faults, saving
from zoo.runs import callbacks, health, settings, training
from zoo.runs.folder import Progress


def fault_of(model):
    """Returns (step, terms, networks, message) of a model's fault."""
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
    step, terms, networks, message = fault_of(model)
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
        # Its value is 0, its gradient NaN.
        loss = losses["decoder"] + ops.sum(ops.sqrt(distance * distance))
        return dict.fromkeys(losses, loss), terms

    model.objective = with_a_hole
    tiny.step(model, (tiny.floats(4), tiny.labels(4)))
    step, terms, networks, message = fault_of(model)
    assert (step, terms, networks) == (1, [], ["decoder"])
    assert "the gradient of decoder" in message


def test_weights_that_are_not_finite_are_named_though_their_gradient_is():
    model = tiny.model("vae")
    rates = {"encoder": 0.1, "decoder": float("inf")}
    model.compile({n: keras.optimizers.SGD(rate) for n, rate in rates.items()})
    tiny.step(model, (tiny.floats(4), tiny.labels(4)))
    step, terms, networks, message = fault_of(model)
    assert (step, terms, networks) == (1, [], ["decoder"])
    assert "are the weights of decoder" in message


@pytest.mark.slow
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
    assert fault_of(model)[2] == ["generator"]


@pytest.mark.slow
def test_fit_stops_one_step_after_the_one_that_failed(monkeypatch):
    monkeypatch.setattr(faults, "SHARE", float("inf"))  # every step is checked
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


@pytest.mark.slow
def test_of_several_steps_of_one_call_the_one_that_failed_is_named():
    model = tiny.model("ae")
    model.compile(steps_per_execution=4)
    images = tiny.floats(6)
    images[2] = np.nan  # in the batch of the third step
    data = tiny.batches((images, tiny.labels(6)), 1)
    with pytest.raises(faults.WrongBatchError, match="step 3"):
        model.fit(data, shuffle=False, verbose=0, callbacks=[faults.Finite()])


def test_a_fault_of_the_last_step_of_an_epoch_is_found_before_anything_is_saved():
    model = tiny.model("ae")
    kernel = model.decoder.trainable_variables[0]
    kernel.assign(kernel * np.nan)
    with pytest.raises(faults.NotFiniteError, match="step 1"):
        tiny.train(model, 1, batch_size=10, callbacks=[faults.Finite()])


def poison(monkeypatch, when):
    """Makes a weight of the decoder NaN at the beginning of each step for which
    `when(run's progress, model)` holds."""
    begin = callbacks.Clock.on_train_batch_begin

    def poisoned(self, batch, logs=None):
        begin(self, batch, logs)
        if when(self.progress, self.model):
            kernel = self.model.decoder.trainable_variables[0]
            kernel.assign(kernel * np.nan)

    monkeypatch.setattr(callbacks.Clock, "on_train_batch_begin", poisoned)


def rate(model):  # the learning rate of the tiny VAE's encoder
    return float(model.optimizers["encoder"].learning_rate)


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_spoilt_model_is_never_saved_as_a_checkpoint(tmp_path, monkeypatch):
    # It happens as the third step begins, before the checkpoint of step 2 is written.
    poison(monkeypatch, lambda progress, model: progress.batch == 3)
    with pytest.raises(faults.NotFiniteError, match="step 2"):
        trained(tmp_path / "run", "--epochs=1", "--checkpoint_every=1")
    run = prepare(tmp_path / "run", "--epochs=1")
    assert run.progress.step == 1 and saving.load(run.folder.saved()[-1])


@pytest.mark.slow
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
    """Trains a tiny GAN for an epoch after `spoil(model)`."""
    monkeypatch.setattr(health, "PATIENCE", 1)

    def run(spoil):
        flags = ("--learning_rate=0", "--epochs=1")
        run = prepare(tmp_path / "run", *flags, base=of("gan"))
        spoil(run.model)
        training.train(run)

    return run


def blank(network):
    network.set_weights([weight * 0 for weight in network.get_weights()])


@pytest.mark.slow
def test_a_generator_of_one_image_is_told(gan_run, caplog):
    gan_run(lambda model: blank(model.averaged_network("generator")))
    assert "mode collapse" in caplog.text


@pytest.mark.slow
def test_a_discriminator_that_learns_no_more_is_told(gan_run, caplog):
    gan_run(lambda model: blank(model.discriminator))
    assert "the discriminator no longer learns" in caplog.text
    assert "the generator no longer learns" in caplog.text  # no gradient reaches it


@pytest.mark.slow
def test_a_training_as_it_should_be_is_not_warned_about(gan_run, caplog, monkeypatch):
    monkeypatch.setattr(health, "COLLAPSED", 0)  # the samples of a new model are alike
    gan_run(lambda model: None)
    assert "no longer learns" not in caplog.text and "collapse" not in caplog.text


def test_several_workers_cannot_roll_back():
    asked = ["train", "--model=vae", "--strategy=multi_worker", "--on_nan=rollback"]
    verb.VERB.parse(asked)
    with pytest.raises(ValueError, match="workers cannot roll back.*on_nan=rollback"):
        settings.resolve(verb.VERB.flags.flag_values_dict(), dataset=None)


# --- batches behind the first one -----------------------------------------------------


def spoilt(field, value):
    """Returns a set of ten batches of four rows; one value of a field of the last batch
    is wrong."""
    data = {"image": tiny.floats(40), "label": tiny.labels(40)}
    data[field][38] = value
    return tiny.batches(tuple(data.values()), 4)


LABELS = r"Labels lie in \[0, num_classes\). Received: other labels in the batch of"
IMAGES = r"in \[-1, 1\] without NaN. Received: other images in the batch of training"


@pytest.mark.slow
@pytest.mark.any_backend
@pytest.mark.eager
@pytest.mark.parametrize(
    "name, field, value, sentence",
    [
        ("classifier", "label", 4, LABELS),
        ("cgan", "label", 4, LABELS),
        ("ddpm", "label", -1, "other labels in the batch of training step 10"),
        ("classifier", "image", 3.0, IMAGES),
        ("cgan", "image", np.nan, IMAGES),
    ],
)
def test_a_wrong_batch_behind_the_first_is_named(name, field, value, sentence):
    model = tiny.model(name)
    with pytest.raises(faults.WrongBatchError, match=sentence) as caught:
        model.fit(spoilt(field, value), verbose=0)
    assert caught.value.fields == [field]


@pytest.mark.slow
@pytest.mark.any_backend
@pytest.mark.eager
@pytest.mark.parametrize("field, value", [("label", 4), ("image", 3.0)])
def test_measuring_names_a_wrong_batch_too(field, value):
    model = tiny.model("classifier")
    with pytest.raises(ValueError, match="Batch 10: .* Received: "):
        model.evaluate(spoilt(field, value), verbose=0)
    with pytest.raises(ValueError, match="Batch 10: .* Received: "):
        model.fit(
            tiny.images(4),
            tiny.labels(4),
            validation_data=spoilt(field, value),
            verbose=0,
        )


@pytest.mark.slow
@pytest.mark.any_backend
def test_the_fit_of_a_script_ends_where_a_step_diverges():
    model = tiny.model("gan")
    rates = {"discriminator": 1e-3, "generator": float("inf")}
    model.compile({n: keras.optimizers.SGD(rate) for n, rate in rates.items()})
    with pytest.raises(faults.NotFiniteError, match="of generator may help") as caught:
        model.fit(tiny.images(40), batch_size=4, verbose=0)
    assert "--" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.any_backend
def test_measuring_leaves_no_trace_in_training():
    data, weights = tiny.floats(12), []
    for watched in (False, True):
        model = tiny.model("vae")
        options = {"validation_data": data} if watched else {}
        model.fit(data, batch_size=4, shuffle=False, epochs=2, verbose=0, **options)
        weights.append(tiny.state(model))
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)
    terms = [model.evaluate(data, batch_size=4, verbose=0) for _ in range(2)]
    assert terms[0] == terms[1]


@pytest.mark.slow
@pytest.mark.eager
@pytest.mark.any_backend
def test_a_single_batch_goes_through_the_same_check():
    model = tiny.model("classifier")
    images, labels = tiny.images(4), tiny.labels(4)
    column = model.train_on_batch(images, labels[:, None])
    again = tiny.model("classifier")
    assert column == again.train_on_batch(images, labels)
    one_hot = tiny.model("classifier")
    assert column == one_hot.train_on_batch(images, np.eye(4)[labels])
    for ask in (model.train_on_batch, model.test_on_batch):
        with pytest.raises(ValueError, match=r"in \[-1, 1\]: map by images / 127.5"):
            ask(images.astype("float32"), labels)
        with pytest.raises(ValueError, match="Received: label 4"):
            ask(images, labels + 4)


@pytest.mark.eager
@pytest.mark.any_backend
@pytest.mark.parametrize("form", [lambda x: x, lambda x: {"clip": x}])
def test_a_single_batch_of_clips_is_one_array_or_a_dict(form):
    clips = tiny.examples("interpolator", 4)
    model = tiny.model("interpolator")
    for ask in (model.train_on_batch, model.test_on_batch):
        assert np.isfinite(ask(form(clips))).all()


@pytest.mark.slow
@pytest.mark.any_backend
@pytest.mark.eager
def test_targets_are_what_an_autoencoder_learns_to_make():
    clean = tiny.floats(12)
    noisy = np.clip(clean + 0.5 * tiny.floats(12, seed=3), -1, 1)
    for name in ("ae", "vae"):
        plain, same, other = (
            train_on(name, *pair) for pair in ((clean,), (clean, clean), (clean, noisy))
        )
        for a, b in zip(plain, same, strict=True):
            np.testing.assert_array_equal(a, b)
        assert any((a != b).any() for a, b in zip(plain, other))
    with pytest.raises(ValueError, match="no use for a second array of images"):
        tiny.model("gan").fit(noisy, clean, verbose=0)


def train_on(name, *pair):
    model = tiny.model(name)
    model.fit(*pair, batch_size=4, shuffle=False, verbose=0)
    return tiny.values(model.trainable_variables)


def test_a_wrong_label_in_a_column_behind_the_first_batch_is_named():
    labels = tiny.labels(40)[:, None]
    labels[38] = 4
    model = tiny.model("classifier")
    with pytest.raises(faults.WrongBatchError, match="training step 10"):
        model.fit(tiny.batches((tiny.images(40), labels), 4), verbose=0)
