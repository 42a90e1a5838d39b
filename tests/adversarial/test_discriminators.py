"""Regularisers and augmentation in the models with a discriminator."""

import numpy as np
import pytest
import tiny

from zoo import backend
from zoo.inputs import augment

pytestmark = [pytest.mark.any_backend, pytest.mark.eager]

WITH_DISCRIMINATOR = ["gan", "cgan", "bigan", "vaegan", "vaegan_hybrid"]


@pytest.mark.parametrize("name", WITH_DISCRIMINATOR)
@pytest.mark.parametrize("regularizer", ["spectral", "r1", "dragan"])
def test_every_discriminator_takes_every_regulariser(name, regularizer):
    model = tiny.model(name, regularizer=regularizer)
    data = (tiny.images(4), tiny.labels(4))
    terms = tiny.step(model, data)
    assert np.isfinite(list(terms.values())).all()
    assert ("gp" in terms) == (regularizer != "spectral")
    kinds = {type(layer).__name__ for layer in model.discriminator._flatten_layers()}
    assert "BatchNormalization" not in kinds
    assert ("SpectralNormalization" in kinds) == (regularizer == "spectral")


@pytest.mark.parametrize("name", WITH_DISCRIMINATOR)
def test_the_penalty_is_part_of_the_discriminators_loss(name):
    loss = {}
    for weight in (0.0, 5.0):
        model = tiny.model(name, regularizer="r1", regularizer_weight=weight)
        images, labels = backend.tensor(tiny.floats(4)), backend.tensor(tiny.labels(4))
        network_losses, terms = model.objective(images, labels)
        loss[weight] = float(network_losses["discriminator"])
    penalty = 5 * float(terms["gp"])
    np.testing.assert_allclose(loss[5.0] - loss[0.0], penalty, rtol=1e-3)


def test_a_weight_that_nothing_takes_is_refused():
    for wrong in ({}, {"regularizer": "spectral"}):
        with pytest.raises(ValueError, match="goes with regularizer=r1 or dragan"):
            tiny.model("gan", regularizer_weight=1.0, **wrong)
    with pytest.raises(ValueError, match="at least 0"):
        tiny.model("gan", regularizer="r1", regularizer_weight=-1.0)


@pytest.mark.parametrize("name", ["gan", "cgan"])
def test_real_and_made_images_are_augmented_alike_and_not_in_validation(
    name, monkeypatch
):
    inputs, plain = [], augment.diff_augment
    monkeypatch.setattr(
        augment, "diff_augment", lambda x, u: inputs.append(x) or plain(x, u)
    )
    model = tiny.model(name, diff_augment=True)
    tiny.step(model, (tiny.images(4), tiny.labels(4)))
    assert (
        len(inputs) == 3
    )  # real and made for the discriminator, made for the generator
    model.objective(
        backend.tensor(tiny.floats(4)), backend.tensor(tiny.labels(4)), False
    )
    assert len(inputs) == 3
