"""What `compile` refuses: optimizers whose steps would not be what they seem."""

import keras
import pytest
import tiny

import zoo

REFUSED = {
    "ema": (
        lambda: keras.optimizers.Adam(use_ema=True),
        "end of every fit; .* ema_decay .* Received: use_ema=True for 'encoder'",
    ),
    "scale": (
        lambda: keras.optimizers.SGD(loss_scale_factor=8.0),
        "loss scale .* Received: SGD with a loss scale for 'encoder'",
    ),
    "scaling": (
        lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD()),
        "loss scale .* Received: LossScaleOptimizer",
    ),
    "accumulation": (
        lambda: keras.optimizers.SGD(gradient_accumulation_steps=2),
        r"compile\(gradient_accumulation_steps.*Received: .*=2 for 'encoder'",
    ),
    "container": (
        lambda: keras.optimizers.MultiOptimizer(keras.optimizers.SGD()),
        "needs one optimizer .* Received: .*MultiOptimizer",
    ),
    "misspelt": (lambda: "adm", "needs one optimizer .* Received: 'adm' for 'encoder'"),
    "class": (lambda: keras.optimizers.Adam, "needs one optimizer .* Received: <class"),
    "number": (lambda: 1e-3, "needs one optimizer .* Received: 0.001 for 'encoder'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_optimizer_that_would_step_otherwise_is_refused(case):
    make, words = REFUSED[case]
    model = zoo.get("ae")
    before = model.optimizers
    with pytest.raises(ValueError, match=words):
        model.compile(make())
    assert model.optimizers is before


def test_a_missing_optimizer_in_a_dict_is_named():
    with pytest.raises(ValueError, match="Received: None for 'generator'"):
        zoo.get("gan").compile({"discriminator": "adam", "generator": None})


@pytest.mark.parametrize("steps", [0, 1.5, True])
def test_updates_are_accumulated_over_a_whole_number_of_batches(steps):
    with pytest.raises(ValueError, match="integer from 1"):
        zoo.get("ae").compile(gradient_accumulation_steps=steps)


def test_an_update_of_an_objective_without_its_data_is_not_accumulated():
    model = tiny.model("ae")
    model.compile(gradient_accumulation_steps=2)
    with pytest.raises(ValueError, match=r"self.update\(self.objective, images\)"):
        model.update(lambda: model.objective(tiny.floats(2)))


def test_a_loaded_model_accumulates_as_the_saved_one(tmp_path):
    model = tiny.model("ae")
    model.compile(gradient_accumulation_steps=2, steps_per_execution=3)
    model.save(tmp_path / "ae.keras")
    loaded = zoo.load(tmp_path / "ae.keras")
    assert loaded.gradient_accumulation_steps == 2
    assert loaded.steps_per_execution == 1  # a matter of the process
