"""Tests what every model promises; a model is tested here once it is registered."""

import inspect
import typing

import keras
import numpy as np
import pytest
import tiny

import zoo
from zoo import backend
from zoo.core import parts, registry
from zoo.data.batches import Batches, Epochs
from zoo.networks import fast
from zoo.runs import strategies

pytestmark = pytest.mark.any_backend
BEGIN_AT_0 = {"r3gan"}  # models of which some kernels do, as their papers have it
every_model = pytest.mark.parametrize("name", zoo.names())
METHODS = {  # {capability: a call that needs it}
    "sample": lambda model: model.sample(2, seed=0),
    "encode": lambda model: model.encode(tiny.images(2)),
    "decode": lambda model: model.decode(np.zeros((2, 3))),
    "reconstruct": lambda model: model.reconstruct(tiny.examples(model.name, 2)),
    "interpolate": lambda model: model.interpolate(*tiny.images(2)),
    "classify": lambda model: model.features(tiny.images(2)),
    "attend": lambda model: model.attention(tiny.images(2)),
    "nll": lambda model: model.nll(tiny.images(2), k=2),
    "inpaint": lambda model: model.inpaint(tiny.images(2), np.ones((8, 8))),
    "vary": lambda model: model.variations(tiny.images(2)),
    "translate": lambda model: model.translate(sources(model)),
    "mix": lambda model: model.mix([0, 1], [2, 3], 1),
    "project": lambda model: model.project(tiny.images(2), steps=2),
    "predict_frames": lambda model: model.predict_frames(
        tiny.images(2, (1, 8, 8, 1)), 2
    ),
    "look": lambda model: words_of(model),
    "between": lambda model: model.between(*tiny.images(2)[:, None], frames=2),
}


def able(name):
    return registry.find(name).capabilities()


def every_model_that_can(capability):
    """Runs a test for each model that has the capability."""
    names = [name for name in zoo.names() if capability in able(name)]
    return pytest.mark.parametrize("name", names)


def test_every_model_has_a_tiny_config():
    assert set(zoo.names()) == set(tiny.CONFIGS)


def steps_of(model, batches):
    """Returns how many training steps `fit` takes in an epoch of `batches`."""
    return -(-batches // model.batches_per_step)


# --- training -------------------------------------------------------------------------


@pytest.mark.eager
@tiny.apart()
@pytest.mark.parametrize(  # all other tests have 8x8x1
    "images, shape",
    [(tiny.images, (28, 28, 1)), (tiny.floats, (30, 22, 3))],
    ids=["uint8", "float"],
)
def test_trains_on_uint8_and_float_images_of_any_size(name, images, shape):
    model = zoo.get(name, **tiny.CONFIGS[name])
    model.compile(model.default_optimizers(), run_eagerly=True)
    # 6 images in batches of 4: the last batch is partial.
    shape = tiny.shape_of(name, shape)
    batches = tiny.batches((images(6, shape), tiny.labels(6)), 4)
    history = model.fit(batches, verbose=0).history
    assert model.image_shape == shape
    assert int(model.optimizer.iterations) == steps_of(model, batches=2)
    assert set(history) == set(model.terms)
    assert np.isfinite(list(history.values())).all()

    out = keras.ops.convert_to_numpy(model(tiny.images(2, shape)))
    assert len(out) == 2 and np.isfinite(out).all()
    for capability in {"sample", "reconstruct"} & model.capabilities():
        if capability == "sample":
            x = model.sample(2, seed=0)
        else:
            x = model.reconstruct(tiny.images(2, shape))
        assert x.shape == (2, *shape) and x.dtype == np.float32
        assert np.abs(x).max() <= 1


@pytest.mark.slow
@every_model
def test_reports_the_declared_terms_finite_at_every_epoch(name, trained):
    run = trained(name)
    terms = set(run.model.terms)
    assert set(run.history) == terms | {f"val_{term}" for term in terms}
    assert all(len(values) == 4 for values in run.history.values())
    assert np.isfinite(list(run.history.values())).all()


@every_model
def test_another_term_than_the_declared_is_an_error(name, trained):
    model = trained(name).model
    with pytest.raises(ValueError, match="reports .* Received: surprise"):
        model.track({"surprise": 0.0}, tiny.examples(name, 2))


@pytest.mark.eager
@every_model
def test_each_network_moves_under_its_own_loss_and_no_other(name):
    # The normalisation of the decoder of "ae" cancels the bias of its code. So that
    # bias moves by rounding alone, and with PyTorch not at all.
    resting = 1 if name == "ae" and backend.NAME == "torch" else 0
    model = tiny.model(name)
    model.compile({network: keras.optimizers.SGD(0.5) for network in model.networks})
    images = keras.ops.convert_to_tensor(tiny.examples(name, 8, kind=tiny.floats))
    labels = keras.ops.convert_to_tensor(tiny.labels(8))

    fields = model.unpack((images, labels))

    def only(network):
        losses, terms = model.objective(*fields, training=True)
        return {network: losses[network]}, terms

    if name in BEGIN_AT_0:
        begin_all(model)
    start, alone = tiny.values(model.variables), {}
    before = {network: weights_of(model, network) for network in model.networks}
    for network in model.networks:
        model.update(lambda: only(network))  # noqa: B023 (called at once)
        for other in model.networks:
            moved = [
                (new != old).any()
                for new, old in zip(weights_of(model, other), before[other])
            ]
            moving = len(moved) if other == network else 0
            assert moving - resting <= sum(moved) <= moving, (network, other)
        alone[network] = weights_of(model, network)
        # The state of the noise too.
        for variable, value in zip(model.variables, start):
            variable.assign(value)
    # If all networks move together from the same start and by the same noise, none is
    # influenced by the steps of the others.
    model.update(lambda: model.objective(*fields, training=True))
    for network in model.networks:
        for new, expected in zip(weights_of(model, network), alone[network]):
            np.testing.assert_allclose(new, expected, rtol=1e-5, atol=1e-6)


def begin_all(model):
    """Gives kernels that begin at 0 some values: by them, layers before them move."""
    for kernel in model.trainable_variables:
        if len(kernel.shape) > 1 and not tiny.values([kernel])[0].any():
            kernel.assign(np.random.default_rng(0).normal(0, 0.1, kernel.shape))


def weights_of(model, network):
    return tiny.values(model.network(network).trainable_variables)


@pytest.mark.eager
@every_model
def test_iterations_rise_by_one_each_train_step(name):
    model = tiny.model(name)
    before = [weights_of(model, network) for network in model.networks]
    for count in (1, 2):
        terms = tiny.step(model, (tiny.examples(name, 4), tiny.labels(4)))
        assert int(model.optimizer.iterations) == count
        assert set(terms) == set(model.terms)
    for network, old in zip(model.networks, before):
        assert int(model.optimizers[network].iterations) >= 2
        new = weights_of(model, network)
        assert all((a != b).any() for a, b in zip(new, old)), network


@pytest.mark.eager
@every_model
def test_learning_rate_callbacks_reach_every_optimizer(name):
    model = tiny.model(name)
    model.compile(run_eagerly=True)
    rates = {n: float(o.learning_rate) for n, o in model.optimizers.items()}
    assert set(rates) == set(model.networks)
    callbacks = [
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2),
        # No second epoch is better by a million, so the rate falls once, to a tenth.
        keras.callbacks.ReduceLROnPlateau(
            monitor=model.terms[0], mode="min", min_delta=1e6, patience=1
        ),
    ]
    pair = tiny.examples(name, 4), tiny.labels(4)
    logs = model.fit(*pair, epochs=2, callbacks=callbacks, verbose=0).history
    for network, rate in rates.items():
        assert model.optimizers[network].name == network
        np.testing.assert_allclose(logs[f"learning_rate_{network}"][0], rate / 2)
        now = float(model.optimizers[network].learning_rate)
        np.testing.assert_allclose(now, rate / 40, rtol=1e-5)


@pytest.mark.eager
@tiny.apart()
def test_trains_in_mixed_bfloat16_and_answers_in_float32(name, mixed_bfloat16):
    model = tiny.model(name)
    model.compile(run_eagerly=True)
    history = model.fit(tiny.examples(name, 4), tiny.labels(4), verbose=0).history
    assert np.isfinite(list(history.values())).all()
    assert any(layer.compute_dtype == "bfloat16" for layer in model._flatten_layers())
    assert all(np.isfinite(value).all() for value in tiny.values(model.weights))
    assert keras.ops.dtype(model(tiny.examples(name, 2))) == "float32"
    for capability in METHODS.keys() & model.capabilities():
        answer = METHODS[capability](model)
        assert answer.dtype == np.float32 and np.isfinite(answer).all()


@tiny.apart()
def test_two_replicas_equal_one_on_the_same_global_batch(name, two_replicas):
    one = tiny.model(name)
    with two_replicas.scope():
        two = tiny.model(name)
    data = tiny.examples(name, 16, kind=tiny.floats)
    data = tiny.batches((data, tiny.labels(16)), 8)
    start, logs = tiny.values(one.trainable_variables), []
    for model in (one, two):
        with model.distribute_strategy.scope():
            # Adam would hide a gradient that is too large by a factor.
            # The norm of the global gradient.
            rule = {"learning_rate": 0.3, "clipnorm": 0.5}
            sgd = {n: keras.optimizers.SGD(**rule) for n in model.networks}
            model.compile(sgd, run_eagerly=True)
        logs.append(model.fit(data, shuffle=False, verbose=0).history)
    assert tiny.values([two.optimizer.iterations]) == [steps_of(two, batches=2)]
    assert_same_moves(start, one, two)
    for term in one.terms:
        np.testing.assert_allclose(logs[1][term], logs[0][term], rtol=1e-4, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("as_arrays", [True, False])
def test_two_replicas_leave_out_rows_that_they_cannot_share(as_arrays, two_replicas):
    images, models, start = tiny.floats(15), [], None
    for strategy, rows in ((None, 14), (two_replicas, 15)):
        with strategies.scope(strategy):
            model = tiny.model("gan")
            start = start or tiny.values(model.trainable_variables)
            model.compile(
                {n: keras.optimizers.SGD(0.3) for n in model.networks}, run_eagerly=True
            )
        data = images[:rows] if as_arrays else tiny.batches((images[:rows],), 4)
        how = {"batch_size": 4, "shuffle": False} if as_arrays else {}
        model.fit(data, verbose=0, **how)
        models.append(model)
    assert_same_moves(start, *models)


@pytest.mark.slow
def test_two_replicas_share_a_batch_of_one_and_refuse_odd_ones(two_replicas):
    with two_replicas.scope():
        model = tiny.model("gan")
    data = tiny.batches((tiny.floats(5),), 4)
    history = model.fit(data, validation_data=data, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())
    assert tiny.values([model.optimizer.iterations]) == [2]
    with pytest.raises(ValueError, match="2 replicas. Received: a batch of 5"):
        model.fit(tiny.floats(15), batch_size=5)
    batches = Batches(lambda epoch, number: tiny.floats(4), range(3), Epochs(0, 3))
    model.fit(batches, verbose=0)  # Keras asks for batches one by one
    assert tiny.values([model.optimizer.iterations]) == [5]


def assert_same_moves(start, one, other):
    """Asserts that both models went from `start` to the same weights, up to
    rounding."""
    moved, apart = 0, 0
    for w0, w1, w2 in zip(
        start,
        tiny.values(one.trainable_variables),
        tiny.values(other.trainable_variables),
    ):
        moved = max(moved, np.abs(w1 - w0).max())
        apart = max(apart, np.abs(w2 - w1).max())
    assert apart <= 1e-5 * moved


def accumulated(model, parts, count=14, eagerly=True):
    """Returns `model` and its logs after an epoch in which each update accumulates 12
    images over several parts; the last update gets what is left of `count`."""
    with backend.scope(model):
        rule = {"learning_rate": 0.3, "clipnorm": 0.5}  # the norm of the whole gradient
        model.compile(
            {n: keras.optimizers.SGD(**rule) for n in model.networks},
            gradient_accumulation_steps=parts,
            run_eagerly=eagerly,
        )
    data = tiny.examples(model.name, count, kind=tiny.floats)
    data = tiny.batches((data, tiny.labels(count)), 12 // parts)
    return model, model.fit(data, shuffle=False, verbose=0).history


def words_of(model):
    """Returns where words were looked at; of the tiny model, which reads none, a
    sample."""
    if model.built and model.can("look") and not model.takes_captions:
        return model.sample(2, seed=0)
    return model.words("a red circle", seed=0)


def sources(model):
    """Returns two sources; images where the model does not know yet of which shape."""
    return tiny.images(2, model.source_shape or (8, 8, 1))


@pytest.fixture
def constant_statistics(monkeypatch):
    """Makes batch normalisation use its averages, because the statistics of parts are
    not those of the batch."""
    plain = keras.layers.BatchNormalization.call

    def call(self, inputs, training=None, mask=None):
        return plain(self, inputs, training=False)

    monkeypatch.setattr(fast.BatchNormalization, "call", call)


@pytest.mark.eager
@tiny.apart()
def test_gradients_of_parts_make_the_update_of_the_whole(name, constant_statistics):
    changes = {}
    if backend.NAME != "tensorflow" and "dropout" in tiny.CONFIGS[name]:
        changes["dropout"] = 0.0  # a whole batch gets other masks than its parts
    start = tiny.values(tiny.model(name).trainable_variables)
    whole, logs = accumulated(tiny.model(name, **changes), 1)
    parts, parts_logs = accumulated(tiny.model(name, **changes), 3)
    assert_same_moves(start, whole, parts)
    for a, b in zip(tiny.state(whole), tiny.state(parts), strict=True):
        # Also counts and averages.
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    for term in whole.terms:
        np.testing.assert_allclose(parts_logs[term], logs[term], rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.eager
def test_a_graph_accumulates_the_gradients_of_parts_too(constant_statistics):
    # The last update has two images, and one of its parts has none.
    start = tiny.values(tiny.model("vae").trainable_variables)
    eager, logs = accumulated(tiny.model("vae"), 3)
    graph, graph_logs = accumulated(tiny.model("vae"), 3, eagerly=False)
    assert_same_moves(start, eager, graph)
    for term in eager.terms:
        np.testing.assert_allclose(graph_logs[term], logs[term], rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_gradients_of_parts_are_those_of_any_number_of_replicas(two_replicas):
    one = tiny.model("gan")
    with two_replicas.scope():
        two = tiny.model("gan")
    start = tiny.values(one.trainable_variables)
    assert_same_moves(start, accumulated(one, 3, 24)[0], accumulated(two, 3, 24)[0])


# --- what users call ------------------------------------------------------------------


@every_model_that_can("sample")
def test_samples_are_addressed_by_their_seeds(name, trained):
    model = trained(name).model
    images = model.sample(8, seed=0)
    assert images.shape == (8, *tiny.shape_of(name)) and images.dtype == np.float32
    assert np.abs(images).max() <= 1
    assert len({image.tobytes() for image in images}) == 8
    np.testing.assert_allclose(model.sample(1, seed=3)[0], images[3], atol=1e-5)
    in_parts = model.sample(8, seed=0, batch_size=3)
    np.testing.assert_allclose(in_parts, images, atol=1e-5)
    assert (model.sample(2) != model.sample(2)).any()


@every_model
def test_call_and_predict_answer_for_images(name, trained):
    model = trained(name).model
    each = tiny.examples(name)
    answer = keras.ops.convert_to_numpy(model(each))
    for images in (each, tiny.examples(name, kind=tiny.floats)):
        predicted = model.predict(images, batch_size=4)
        assert predicted.dtype == np.float32
        np.testing.assert_allclose(predicted, answer, atol=1e-5)
    if "reconstruct" in model.capabilities():
        np.testing.assert_allclose(answer, model.reconstruct(each), atol=1e-5)
    elif {"inpaint", "translate", "between"} & able(name):  # images, as they were
        assert answer.shape == each.shape
    else:
        classes = model.config.get("num_classes") if "classify" in able(name) else 1
        assert answer.shape == (10, classes)


@every_model_that_can("interpolate")
def test_latents_lead_there_and_back(name, trained):
    model = trained(name).model
    images = tiny.images(4)
    z = model.encode(images)
    assert z.shape == (4, model.config["latent_dim"]) and z.dtype == np.float32
    np.testing.assert_array_equal(z, model.encode(images))
    np.testing.assert_allclose(z, model.encode(tiny.floats(4)), atol=1e-5)
    back = model.reconstruct(images)
    np.testing.assert_allclose(back, model.decode(z), atol=1e-6)
    line = model.interpolate(images[0], images[1], steps=3)
    assert line.shape == (3, 8, 8, 1) and line.dtype == np.float32
    np.testing.assert_allclose(line[[0, -1]], back[:2], atol=1e-5)
    middle = model.decode((z[:1] + z[1:2]) / 2)
    np.testing.assert_allclose(line[1], middle[0], atol=1e-5)
    lines = model.interpolate(images[:2], images[2:], steps=3)
    assert lines.shape == (2, 3, 8, 8, 1)


@every_model
def test_a_missing_capability_names_the_models_that_have_it(name, trained):
    model = trained(name).model
    for capability in METHODS.keys() - model.capabilities():
        with pytest.raises(ValueError, match=f"cannot {capability}") as error:
            METHODS[capability](model)
        having = [other for other in zoo.names() if capability in able(other)]
        assert str(error.value).endswith(f"{', '.join(having)}.")


@every_model
def test_an_unbuilt_model_says_so(name, tmp_path):
    model, images = zoo.get(name, **tiny.CONFIGS[name]), tiny.examples(name, 2)
    for capability in METHODS.keys() & model.capabilities():
        with pytest.raises(ValueError, match="no networks yet: call fit"):
            METHODS[capability](model)
    asked = [
        lambda: model(images),
        lambda: model(keras.Input(images.shape[1:])),
        lambda: model.predict(images),
        lambda: model.evaluate(images, tiny.labels(2)),
        lambda: model.train_step((images, tiny.labels(2))),
        lambda: model.save(tmp_path / "model.keras"),
    ]
    for ask in asked:
        with pytest.raises(ValueError, match="no networks yet: call fit"):
            ask()
    assert not model.built and not list(tmp_path.iterdir())


# --- config and files -----------------------------------------------------------------


@every_model
def test_config_survives_a_round_trip_with_no_value_at_its_default(name):
    cls = registry.find(name)
    config = {
        key: another(annotation, default)
        for key, (annotation, default) in registry.parameters(cls).items()
    }
    model = cls(**config)
    assert model.get_config() == config
    assert cls.from_config(model.get_config()).get_config() == config
    defaults = cls().get_config()
    assert not [key for key in config if config[key] == defaults[key]]


def another(annotation, default):
    """Returns a value that is not the default."""
    choices = typing.get_args(annotation)
    if parts.Part in choices:
        return parts.described("part", tiny.model("classifier"))
    if typing.get_origin(annotation) is typing.Literal:
        return [choice for choice in choices if choice != default][-1]
    if default is None:
        return 0.25
    if isinstance(default, bool):
        return not default
    if isinstance(default, tuple):
        return list(default) + [default[-1] if default else "word"]
    return default + 1 if isinstance(default, int) else default / 2 + 0.125


@pytest.mark.slow
@every_model
def test_a_file_holds_outputs_optimizers_and_random_state(name, trained, tmp_path):
    model = trained(name).model
    path = tmp_path / "model.keras"
    model.save(path)
    assert list(tmp_path.iterdir()) == [path]
    for load in (zoo.load, keras.saving.load_model):
        loaded = load(path)
        assert type(loaded) is type(model) and loaded.config == model.config
        same_state(loaded, model)
        assert loaded.get_compile_config() == model.get_compile_config()
        outputs = [
            keras.ops.convert_to_numpy(m(tiny.examples(name, 3)))
            for m in (loaded, model)
        ]
        np.testing.assert_array_equal(*outputs)
    if "sample" in able(name):
        samples = [m.sample(2, seed=0) for m in (loaded, model)]
        np.testing.assert_array_equal(*samples)


@pytest.mark.slow
@every_model
def test_a_run_resumed_from_a_checkpoint_ends_bitwise_the_same(name, trained):
    run = trained(name)
    resumed = zoo.load(run.checkpoints[1])
    assert int(resumed.optimizer.iterations) == 2 * steps_of(resumed, batches=3)
    history = tiny.train(resumed, 2)
    same_state(resumed, run.model)
    assert history == {term: values[2:] for term, values in run.history.items()}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ddpm", "vaegan", "wgan"])
def test_fit_save_load_fit_equals_one_longer_fit(name, trained, tmp_path):
    model = tiny.model(name)
    tiny.train(model, 2)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    tiny.train(loaded, 2)
    same_state(loaded, trained(name).model)


def same_state(a, b):
    for one, other in zip(tiny.state(a), tiny.state(b), strict=True):
        np.testing.assert_array_equal(one, other)


# --- words ----------------------------------------------------------------------------


@every_model
def test_the_docstring_names_source_settings_and_terms(name):
    cls = registry.find(name)
    text = inspect.getdoc(cls)
    for part in ("Args:", "Batch:", "Reports:", "Source:", "Departures:"):
        assert part in text, part
    source = text[text.index("Source:") :]
    assert "arXiv:" in source or "doi:" in source
    assert cls.paper.split()[-1] in source  # the catalogue names the same paper
    settings = text[text.index("Args:") : text.index("Batch:")]
    for key in registry.parameters(cls):
        assert f"    {key}: " in settings, key
    for term in cls().terms:
        assert f"`{term}`" in text[text.index("Reports:") :], term


@every_model
def test_describe_tells_networks_losses_and_config(name):
    description = zoo.describe(name)
    assert description.networks == registry.find(name).networks
    assert all(network in description.losses for network in description.networks)
    assert description.config == registry.find(name)().config
    assert set(description.capabilities) == able(name)
    for part in (name, description.summary, description.paper, *description.terms):
        assert part in str(description)


@every_model
def test_the_seed_decides_every_initial_weight(name):
    def kernels(seed):
        keras.utils.set_random_seed(seed)
        shape = tiny.shape_of(name)
        model = zoo.get(name, image_shape=shape, **tiny.CONFIGS[name])
        return [v for v in model.trainable_variables if len(v.shape) > 1]

    first, again, other = (tiny.values(kernels(seed)) for seed in (0, 0, 1))
    for a, b, c in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert not np.array_equal(a, c) or (name in BEGIN_AT_0 and not a.any())


@every_model
def test_no_two_kernels_start_from_the_same_draws(name):
    shape = tiny.shape_of(name, (16, 16, 1))
    model = zoo.get(name, image_shape=shape, **tiny.CONFIGS[name])
    kernels = [v for v in model.trainable_variables if len(v.shape) > 1]
    values = [value.ravel()[:16] for value in tiny.values(kernels)]
    drawn = [value.any() or name not in BEGIN_AT_0 for value in values]
    draws = np.array([v for v, has in zip(values, drawn) if len(v) == 16 and has])
    draws /= np.linalg.norm(draws, axis=1, keepdims=True)
    likeness = draws @ draws.T - np.eye(len(draws))
    assert np.abs(likeness).max() < 0.95
