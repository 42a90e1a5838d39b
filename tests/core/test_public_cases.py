"""Cases of public threads about Keras that hold here: docs/faults.md names them."""

import copy
import pickle

import keras
import numpy as np
import pytest
import tiny

from zoo.core import faults


class PowerCut(keras.callbacks.Callback):
    """Ends a training before its third epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise InterruptedError


class Poison(keras.callbacks.Callback):
    """Spoils a weight before the third epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            weight = self.model.trainable_variables[0]
            weight.assign(weight * np.nan)


def fit(model, *callbacks):
    options = {"epochs": 4, "batch_size": 4, "shuffle": False, "verbose": 0}
    return model.fit(tiny.images(), tiny.labels(), callbacks=list(callbacks), **options)


def assert_equal_states(one, other):
    for value, same in zip(tiny.state(one), tiny.state(other), strict=True):
        np.testing.assert_array_equal(value, same)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["classifier", "vaegan"])
def test_a_backup_goes_on_in_a_new_model_as_if_nothing_had_been(name, tmp_path):
    whole = tiny.model(name)
    fit(whole)
    with pytest.raises(InterruptedError):
        fit(tiny.model(name), keras.callbacks.BackupAndRestore(tmp_path), PowerCut())
    again = tiny.model(name)
    history = fit(again, keras.callbacks.BackupAndRestore(tmp_path))
    assert history.epoch == [2, 3]
    assert_equal_states(whole, again)


@pytest.mark.slow
def test_a_training_that_diverges_keeps_the_backup_of_its_last_good_epoch(tmp_path):
    backup = keras.callbacks.BackupAndRestore(tmp_path)
    with pytest.raises(faults.NotFiniteError, match="diverged at step 7"):
        fit(tiny.model("vae"), backup, keras.callbacks.TerminateOnNaN(), Poison())
    again = tiny.model("vae")
    history = fit(again, keras.callbacks.BackupAndRestore(tmp_path))
    assert history.epoch == [2, 3]
    assert all(np.isfinite(value).all() for value in tiny.values(again.weights))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gan", "vae"])
@pytest.mark.parametrize("way", ["deepcopy", "pickle"])
def test_a_copy_is_the_model_and_trains_as_it_does(name, way):
    model = tiny.model(name)
    fit(model)
    other = copy.deepcopy(model) if way == "deepcopy" else unpickled(model)
    assert_equal_states(model, other)
    np.testing.assert_array_equal(model.sample(2, seed=0), other.sample(2, seed=0))
    fit(other)
    assert int(other.optimizer.iterations) > int(model.optimizer.iterations)
    fit(model)
    assert_equal_states(model, other)


def unpickled(model):
    return pickle.loads(pickle.dumps(model))


@pytest.mark.slow
@pytest.mark.parametrize("rows", [9, 10])
def test_a_last_batch_of_few_rows_weighs_by_its_rows_in_accumulation(rows):
    weights = []
    for size, parts in ((8, 1), (4, 2)):
        model = tiny.model("flow")
        how = {"gradient_accumulation_steps": parts, "run_eagerly": True}
        model.compile(keras.optimizers.SGD(0.1), **how)
        options = {"epochs": 2, "batch_size": size, "shuffle": False, "verbose": 0}
        model.fit(tiny.images(rows), **options)
        weights.append(tiny.values(model.trainable_variables))
    for of_all, of_parts in zip(*weights, strict=True):
        np.testing.assert_allclose(of_all, of_parts, atol=1e-6)
