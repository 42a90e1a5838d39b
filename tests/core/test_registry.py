"""Tests names and settings: what is known, what is refused, and in which words."""

import types

import pytest

import zoo
from zoo.core import registry
from zoo.core.model import ImageModel


@pytest.fixture
def own_names():
    """A registry that forgets what a test adds."""
    before = set(registry.names())
    yield
    for name in set(registry.names()) - before:
        del registry._CLASSES[name]


def test_the_models_are_listed_in_order():
    assert zoo.names() == sorted(zoo.names())
    assert {"ae", "classifier", "gan", "vae", "vaegan"} <= set(zoo.names())


def test_a_name_taken_by_another_class_is_refused(own_names):
    class Other(ImageModel):
        pass

    with pytest.raises(ValueError, match="'vae' is taken by zoo.models.vae.VAE"):
        registry.register("vae")(Other)
    assert registry.find("vae").__name__ == "VAE"


def test_a_registered_model_is_known_and_a_reload_of_it_allowed(own_names):
    def define():
        class Fresh(ImageModel):
            def __init__(self, width: int = 4):
                super().__init__()

        return registry.register("fresh")(Fresh)

    define()
    again = define()  # importlib.reload does the same
    assert registry.find("fresh") is again and "fresh" in zoo.names()


@pytest.mark.parametrize("call", [zoo.get, zoo.describe, registry.find])
def test_an_unknown_name_suggests_the_nearest(call):
    with pytest.raises(ValueError, match="did you mean 'vaegan'") as error:
        call("vae_gan")
    message = str(error.value)
    assert message.endswith("Received: 'vae_gan'.")
    assert ", ".join(zoo.names()) in message
    with pytest.raises(ValueError) as error:
        call("zzz")
    assert "did you mean" not in str(error.value)


def test_an_unknown_setting_suggests_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'latent_dim'") as error:
        zoo.get("vae", latent_dims=3)
    assert str(error.value).startswith("'vae' has no such setting")
    assert str(error.value).endswith("Received: 'latent_dims'.")


@pytest.mark.parametrize(
    "name, config, match",
    [
        ("ae", {"latent_dim": 2.5}, "an integer for 'latent_dim'. Received: 2.5"),
        ("ae", {"latent_dim": True}, "an integer for 'latent_dim'. Received: True"),
        ("ae", {"latent_dim": "3"}, "an integer for 'latent_dim'. Received: '3'"),
        ("ae", {"latent_dim": 0}, "latent_dim of at least 1. Received: 0"),
        ("classifier", {"flip": 1}, "true or false for 'flip'. Received: 1"),
        ("classifier", {"dropout": 1.0}, r"dropout in \[0, 1\). Received: 1.0"),
        (
            "vae",
            {"likelihood": "poisson"},
            "one of 'bernoulli', 'gaussian', .*'poisson'",
        ),
        ("vae", {"alpha": "much"}, "a number or none for 'alpha'. Received: 'much'"),
        ("srgan", {"scale": 3}, "one of 2, 4 for 'scale'. Received: 3"),
        ("srgan", {"scale": 2.0}, "one of 2, 4 for 'scale'. Received: 2.0"),
        ("srgan", {"scale": "2"}, "one of 2, 4 for 'scale'. Received: '2'"),
        ("gan", {"loss": None}, "one of 'non_saturating', .* Received: None"),
        ("gan", {"ema_decay": 1}, r"ema_decay in \[0, 1\). Received: 1.0"),
        ("vaegan", {"gamma": -1}, "gamma of at least 0. Received: -1.0"),
        ("vaegan", {"gamma": float("nan")}, "a number for 'gamma'. Received: nan"),
        ("vae", {"alpha": float("inf")}, "a number or none .* Received: inf"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(name, config, match):
    with pytest.raises(ValueError, match=match):
        zoo.get(name, **config)


def test_an_integer_is_taken_where_a_number_is_meant():
    assert zoo.get("vaegan", gamma=1).config["gamma"] == 1.0


@pytest.mark.parametrize(
    "name, key, text, value",
    [
        ("vae", "latent_dim", "16", 16),
        ("vae", "alpha", "1e-3", 1e-3),
        ("vae", "alpha", "2", 2.0),
        ("vae", "alpha", "none", None),
        ("vae", "likelihood", "mse", "mse"),
        ("srgan", "scale", "2", 2),
        ("classifier", "flip", "true", True),
        ("classifier", "flip", "False", False),
        ("classifier", "dropout", "0.5", 0.5),
    ],
)
def test_a_typed_setting_becomes_the_value_that_it_means(name, key, text, value):
    parsed = registry.parse_setting(name, key, text)
    assert parsed == value and type(parsed) is type(value)


@pytest.mark.parametrize(
    "name, key, text, match",
    [
        ("vae", "latent_dim", "many", "an integer for 'latent_dim'. Received: 'many'"),
        ("vae", "latent_dim", "1.5", "an integer"),
        ("vae", "latent_dim", "__import__('os')", "an integer"),
        ("vae", "likelihood", "none", "one of"),
        ("srgan", "scale", "two", "one of 2, 4"),
        ("vae", "latent", "3", "did you mean 'latent_dim'"),
        ("wae", "latent_dim", "3", "did you mean"),
    ],
)
def test_a_typed_setting_that_means_nothing_is_refused(name, key, text, match):
    with pytest.raises(ValueError, match=match):
        registry.parse_setting(name, key, text)


def test_a_tuple_is_taken_as_tuple_or_list_of_its_kind():
    class Levels(ImageModel):
        def __init__(self, mult: tuple[int, ...] = (1, 2)):
            super().__init__()

    assert registry.resolve(Levels, {"mult": [2, 4]}) == {"mult": (2, 4)}
    assert Levels([1, 3]).get_config() == {"mult": [1, 3]}
    with pytest.raises(ValueError, match=r"a tuple such as \(1, 2\) for 'mult'"):
        registry.resolve(Levels, {"mult": [1, "2"]})


def test_the_front_door_is_what_it_says():
    assert {"get", "names", "describe", "load", "data"} <= set(zoo.__all__)
    assert isinstance(zoo.data, types.ModuleType) and zoo.__version__
