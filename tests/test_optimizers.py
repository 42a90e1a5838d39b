"""What `compile` refuses: optimizers whose steps would not be what they seem."""

import keras
import pytest

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
