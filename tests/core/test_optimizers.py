"""Tests which optimizers `compile` takes, and that it refuses those whose steps would
be other than they seem."""

import keras
import numpy as np
import pytest
import tiny

import zoo

pytestmark = pytest.mark.any_backend
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
    "function": (
        lambda: keras.optimizers.Adam(lambda: 1e-3),
        "number or a schedule .* Received: <function .* for 'encoder'",
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


def test_what_is_excluded_from_weight_decay_does_not_decay():
    optimizer = keras.optimizers.AdamW(0.1, weight_decay=1.0)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    model = tiny.model("ae")
    model.compile(optimizer)
    rule = model.optimizers["encoder"]
    weights = model.encoder.trainable_variables
    for weight in weights:
        weight.assign(np.ones(weight.shape))
    rule.apply([keras.ops.zeros(weight.shape) for weight in weights], weights)
    for weight in weights:
        decayed = 1.0 if weight.name == "bias" else 0.9
        np.testing.assert_allclose(weight, np.full(weight.shape, decayed), rtol=1e-6)


@pytest.mark.slow
@pytest.mark.skipif(zoo.backend.NAME != "tensorflow", reason="clips lists of rows")
def test_an_embedding_is_clipped_by_the_norm_of_its_whole_gradient():
    model = tiny.model("ddpm", num_classes=2)
    rule = {"learning_rate": 1e3, "clipnorm": 1e-6}
    model.compile(keras.optimizers.SGD(**rule), run_eagerly=True)
    (table,) = [w for w in model.unet.trainable_variables if "embeddings" in w.name]
    before = keras.ops.convert_to_numpy(table)
    tiny.step(model, (tiny.images(16), tiny.labels(16) % 2))
    moved = keras.ops.convert_to_numpy(table) - before
    np.testing.assert_allclose(np.sqrt((moved**2).sum()), 1e-3, rtol=1e-3)


@pytest.mark.slow
def test_a_file_keeps_the_jit_that_was_asked_for(tmp_path):
    for asked in ("auto", False):
        model = tiny.model("ae")
        model.compile(jit_compile=asked)
        assert model.get_compile_config()["jit_compile"] == asked
    model.compile()
    model.save(tmp_path / "ae.keras")
    assert zoo.load(tmp_path / "ae.keras").get_compile_config()["jit_compile"] == "auto"


@pytest.mark.parametrize("name", ["float64", "float16", "bfloat16", "mixed_float16"])
def test_other_precisions_are_refused(name):
    keras.config.set_dtype_policy(name)
    with pytest.raises(ValueError, match=f"float32 or mixed_bfloat16.*{name}"):
        zoo.get("vae").compile()


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
    assert loaded.steps_per_execution == 1  # a setting of the process, not of the file
