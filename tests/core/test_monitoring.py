"""Keras' callbacks monitor the terms of the zoo's models."""

import keras
import pytest
import tiny
from refusals import refusal

import zoo
from zoo.core import monitoring

pytestmark = pytest.mark.any_backend
EarlyStopping = keras.callbacks.EarlyStopping
KINDS = {  # callback: further arguments
    EarlyStopping: {},
    keras.callbacks.ModelCheckpoint: {"filepath": "a.keras", "save_best_only": True},
    keras.callbacks.ReduceLROnPlateau: {},
}


def fit(model, callbacks, epochs=4, rate=None):
    """Trains the model eagerly on ten images; returns the history."""
    if rate is not None:
        model.compile({n: keras.optimizers.SGD(rate) for n in model.networks})
    model.run_eagerly = True
    return tiny.train(model, epochs, callbacks=callbacks)


@pytest.mark.parametrize("name", zoo.names())
@pytest.mark.parametrize("kind", KINDS)
def test_every_term_has_a_direction(kind, name):
    model, modes = tiny.model(name), {}
    for term in model.terms:
        callback = kind(monitor=f"val_{term}", mode="auto", **KINDS[kind])
        with monitoring.directed(model, [callback]):
            modes[term] = callback.mode
    assert set(modes.values()) <= {"min", "max"}
    rising = {term for term, mode in modes.items() if mode == "max"}
    assert rising == set(model.terms) & {"accuracy", "elbo", "d_real"}


@pytest.mark.slow
@pytest.mark.eager
@pytest.mark.parametrize("name", ["ae", "vae"])
def test_a_default_early_stopping_stops_when_the_monitored_term_stands_still(name):
    # Without a rate only the statistics of batches move, by less than this.
    stopping = EarlyStopping(patience=1, min_delta=100.0)
    history = fit(tiny.model(name), stopping, rate=0.0)
    assert len(history[f"val_{tiny.model(name).monitor}"]) == 2


@pytest.mark.slow
@pytest.mark.eager
def test_it_goes_on_while_the_monitored_term_becomes_better():
    history = fit(tiny.model("vae"), EarlyStopping(), rate=1e-4)
    elbo = history["val_elbo"]
    assert len(elbo) == 4 and sorted(elbo) == elbo  # by its own name it would stop


@pytest.mark.slow
@pytest.mark.eager
def test_early_stopping_by_accuracy_keeps_the_largest():
    stopping = EarlyStopping(monitor="val_accuracy", restore_best_weights=True)
    history = fit(tiny.model("classifier"), stopping)
    assert stopping.best == max(history["val_accuracy"])


@pytest.mark.slow
@pytest.mark.eager
def test_the_best_model_is_saved_in_mode_auto(tmp_path):
    path = tmp_path / "{epoch}.keras"
    saving = keras.callbacks.ModelCheckpoint(path, save_best_only=True)
    history = fit(tiny.model("ae"), saving, rate=0.0)
    errors = history["val_mse"]
    assert saving.best == pytest.approx(min(errors))
    best = {f"{n}.keras" for n, x in enumerate(errors, 1) if x == min(errors[:n])}
    assert {file.name for file in tmp_path.iterdir()} == best


@pytest.mark.slow
def test_the_rate_falls_on_a_plateau_of_the_monitored_term():
    model = tiny.model("ae")
    plateau = keras.callbacks.ReduceLROnPlateau(patience=1, factor=0.5, min_delta=1e6)
    fit(model, plateau, rate=1e-3, epochs=2)
    for optimizer in model.optimizers.values():
        assert float(optimizer.learning_rate) == pytest.approx(5e-4)


def test_a_callback_serves_one_model_after_another():
    stopping = EarlyStopping(min_delta=0.5)
    for name, term, sign in (("vae", "val_elbo", 1), ("ae", "val_mse", -1)):
        with monitoring.directed(tiny.model(name), [stopping]):
            stopping._set_monitor_op()
            assert (stopping.monitor, stopping.min_delta) == (term, sign * 0.5)
        assert (stopping.monitor, stopping.mode) == ("val_loss", "auto")


def test_a_mode_of_ones_own_is_kept():
    stopping = EarlyStopping(monitor="val_accuracy", mode="min")
    with monitoring.directed(tiny.model("classifier"), [stopping]):
        assert stopping.mode == "min"
    stopping = EarlyStopping(monitor="val_loss", mode="min")
    with monitoring.directed(tiny.model("vae"), [stopping]):
        assert (stopping.monitor, stopping.mode) == ("val_elbo", "max")


@pytest.mark.parametrize("name", ["gan", "wgan", "cgan", "bigan"])
def test_without_a_monitored_term_the_message_names_what_can_be_monitored(name):
    model = tiny.model(name)
    message = refusal(fit, model, EarlyStopping())
    assert "val_g_loss" in message and "'val_loss'" in message
    assert int(model.optimizer.iterations) == 0


@pytest.mark.slow
@pytest.mark.eager
def test_an_unknown_term_is_named_before_training(tmp_path):
    model = tiny.model("classifier")
    message = refusal(fit, model, EarlyStopping(monitor="val_acuracy"))
    assert "did you mean 'accuracy'?" in message
    assert int(model.optimizer.iterations) == 0
    # Without `save_best_only` nothing is monitored.
    fit(tiny.model("gan"), keras.callbacks.ModelCheckpoint(tmp_path / "a.keras"))
    assert (tmp_path / "a.keras").is_file()
