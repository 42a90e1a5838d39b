"""The backend's functions, by games small enough to be worked out by hand.

On Keras' other backends, `test_backends.py` runs this file.
"""

import keras
import numpy as np
import pytest
import tiny
from keras import ops

from zoo import backend
from zoo.core.model import ImageModel
from zoo.networks import fast

pytestmark = pytest.mark.any_backend
STEP = 0.25  # learning rate of these games


class Number(keras.Layer):
    """A network with one weight: x -> w x."""

    def __init__(self, start):
        super().__init__()
        self.w = self.add_weight(initializer=keras.initializers.Constant(start))

    def call(self, x):
        return self.w * x


class Game(ImageModel):
    """A game of two weights, a = 2 and b = 3: a descends a b, and b descends -a b."""

    networks = ("a", "b")
    terms = ("product",)

    def __init__(self):
        super().__init__()

    def default_optimizers(self):
        return {name: keras.optimizers.SGD(STEP) for name in self.networks}

    def build_networks(self, image_shape):
        return {"a": Number(2.0), "b": Number(3.0)}

    def objective(self, images, labels=None, training=True):
        product = self.a(ops.convert_to_tensor(1.0)) * self.b.w
        return {"a": product, "b": -product}, {"product": product}

    def train_step(self, data):
        images, _ = self.unpack(data)
        return self.track(self.update(lambda: self.objective(images)), images)


class WGANGP(ImageModel):
    """Wasserstein GAN with gradient penalty: only what its double backward needs.

    Gulrajani et al. 2017, arXiv:1704.00028, equation 3.
    """

    networks = ("critic", "generator")
    terms = ("c_loss", "g_loss", "gp")

    def __init__(self, gp_weight: float = 10.0):
        super().__init__()

    def default_optimizers(self):
        return {name: keras.optimizers.SGD(STEP) for name in self.networks}

    def build_networks(self, image_shape):
        flat = int(np.prod(image_shape))
        critic = [keras.layers.Flatten(), keras.layers.Dense(1)]
        generator = [keras.layers.Dense(flat), keras.layers.Reshape(image_shape)]
        return {
            "critic": keras.Sequential([keras.Input(image_shape), *critic]),
            "generator": keras.Sequential([keras.Input((2,)), *generator]),
        }

    def penalty(self, x):
        slope = backend.input_gradient(self.critic, x)
        norm = ops.sqrt(ops.sum(ops.square(slope), axis=(1, 2, 3)))
        return ops.mean(ops.square(norm - 1.0))

    def critic_objective(self, images):
        rows = ops.shape(images)[0]
        x_fake = ops.stop_gradient(self.generator(self.normal(rows, (2,))))
        share = self.uniform(rows, (1, 1, 1))
        gp = self.penalty(share * images + (1.0 - share) * x_fake)
        loss = ops.mean(self.critic(x_fake)) - ops.mean(self.critic(images))
        loss = loss + self.config["gp_weight"] * gp
        return {"critic": loss}, {"c_loss": loss, "gp": gp}

    def generator_objective(self, rows):
        loss = -ops.mean(self.critic(self.generator(self.normal(rows, (2,)))))
        return {"generator": loss}, {"g_loss": loss}

    def train_step(self, data):
        images, _ = self.unpack(data)
        terms = self.update(lambda: self.critic_objective(images))
        rows = ops.shape(images)[0]
        terms |= self.update(lambda: self.generator_objective(rows))
        return self.track(terms, images)


def built(cls, **config):
    keras.utils.set_random_seed(0)
    model = cls(**config)
    model.compile()
    model.build((8, 8, 1))
    return model


@pytest.fixture
def wgan():
    return built(WGANGP)


# --- update ---------------------------------------------------------------------------


def test_update_gives_each_network_its_own_gradient_at_the_same_point():
    game = built(Game)
    terms = game.update(lambda: game.objective(None))
    assert float(terms["product"]) == 6
    assert float(game.a.w) == 2 - STEP * 3  # d(ab)/da = b
    assert float(game.b.w) == 3 + STEP * 2  # by the a before the step


def test_networks_that_share_a_loss_both_descend_it():
    game = built(Game)

    def cooperate():
        product = game.a.w * game.b.w
        return dict.fromkeys(game.networks, product), {"product": product}

    game.update(cooperate)
    assert float(game.a.w) == 2 - STEP * 3
    assert float(game.b.w) == 3 - STEP * 2


def test_an_update_of_one_network_leaves_the_other_alone():
    game = built(Game)
    game.update(lambda: ({"b": game.a.w * game.b.w}, {}))
    assert float(game.a.w) == 2 and float(game.b.w) == 3 - STEP * 2
    assert int(game.optimizers["a"].iterations) == 0
    assert int(game.optimizers["b"].iterations) == 1


def test_update_runs_the_objective_once():
    game, runs = built(Game), []

    def counted():
        runs.append(1)
        return game.objective(None)

    game.update(counted)
    assert len(runs) == 1


def test_an_objective_reads_the_count_of_steps_within_a_graph():
    class Counting(Game):
        def objective(self, images, labels=None, training=True):
            count = ops.cast(self.optimizer.iterations, "float32")
            return {"a": 1.0 * self.a.w, "b": 1.0 * self.b.w}, {"product": count}

        def call(self, images, training=False):  # Keras' trainer on JAX needs it
            return images

    history = built(Counting).fit(tiny.images(4), epochs=3, verbose=0).history
    assert history["product"] == [0, 1, 2]


# --- input_gradient -------------------------------------------------------------------


def test_the_gradient_by_the_input_is_one_row_an_image():
    x = backend.tensor(tiny.floats(3))
    slope = backend.input_gradient(lambda x: ops.sum(x**3, axis=(1, 2, 3)), x)
    slope = ops.convert_to_numpy(slope)
    np.testing.assert_allclose(slope, 3 * tiny.floats(3) ** 2, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 1e30])
def test_a_sum_of_squares_is_finite_if_all_squares_are(wrong):
    x = np.arange(6, dtype="float32").reshape(2, 3)
    two = [ops.convert_to_tensor(each) for each in (x, np.float32([2]))]
    assert float(backend.sum_of_squares(two)) == 59
    x[1, 0] = wrong
    two[0] = ops.convert_to_tensor(x)
    assert not np.isfinite(backend.sum_of_squares(two))


def test_a_linear_critic_has_the_penalty_of_its_weights(wgan):
    w = wgan.critic.trainable_variables[0]
    norm = np.linalg.norm(tiny.values([w])[0])
    penalty = wgan.penalty(backend.tensor(tiny.floats(4)))
    np.testing.assert_allclose(float(penalty), (norm - 1) ** 2, rtol=1e-4)


def test_the_penalty_is_differentiated_a_second_time(wgan):
    kernel, bias = wgan.critic.trainable_variables
    w = 2 * np.random.default_rng(0).normal(size=(64, 1)).astype("float32")
    kernel.assign(w)
    images = backend.tensor(tiny.floats(4))
    wgan.update(lambda: ({"critic": wgan.penalty(images) + 0.0 * bias.value[0]}, {}))
    norm = np.linalg.norm(w)
    expected = w - STEP * 2 * (norm - 1) * w / norm  # d(|w| - 1)^2 / dw
    np.testing.assert_allclose(tiny.values([kernel])[0], expected, rtol=1e-4)


def test_a_wgan_gp_trains_as_a_graph_and_its_penalty_falls(wgan):
    wgan.compile({n: keras.optimizers.Adam(0.01) for n in wgan.networks})
    wgan.critic.trainable_variables[0].assign(np.ones((64, 1), "float32"))
    history = wgan.fit(
        tiny.images(8), batch_size=4, epochs=4, shuffle=False, verbose=0
    ).history
    assert set(history) == {"c_loss", "g_loss", "gp"}
    assert np.isfinite(list(history.values())).all()
    assert history["gp"][-1] < history["gp"][0] < 49.1  # (|w| - 1)^2 of 64 ones


# --- random numbers -------------------------------------------------------------------


def generator(seed=5):
    return keras.random.SeedGenerator(seed)


def drawn(kind, *args):
    return ops.convert_to_numpy(getattr(backend, kind)(*args))


def test_noise_follows_its_seed_and_is_fresh_at_each_call():
    seed = generator()
    first, second = (drawn("normal", seed, 4, (2, 3)) for _ in range(2))
    assert first.shape == (4, 2, 3) and (first != second).all()
    np.testing.assert_array_equal(first, drawn("normal", generator(), 4, (2, 3)))
    assert (first != drawn("normal", generator(6), 4, (2, 3))).all()
    later = drawn("normal", generator(6), 4, (2, 3))
    # The second number of a seed is not the first one of another.
    assert (second != later).all()


def test_draws_follow_their_distributions():
    normal = drawn("normal", generator(), 4000, (3,))
    np.testing.assert_allclose(normal.mean(0), 0, atol=0.08)
    np.testing.assert_allclose(normal.std(0), 1, atol=0.05)
    np.testing.assert_allclose(np.corrcoef(normal.T), np.eye(3), atol=0.08)
    uniform = drawn("uniform", generator(), 4000, ())
    assert uniform.min() >= 0 and uniform.max() < 1
    np.testing.assert_allclose(
        np.histogram(uniform, 4, (0, 1))[0] / 4000, 0.25, atol=0.03
    )
    integers = drawn("integers", generator(), 4000, (), -1, 2)
    values, counts = np.unique(integers, return_counts=True)
    assert values.tolist() == [-1, 0, 1]
    np.testing.assert_allclose(counts / 4000, 1 / 3, atol=0.04)


@pytest.mark.parametrize("kind", ["normal", "uniform", "integers"])
def test_replicas_draw_their_rows_of_the_global_batch(kind, two_replicas):
    import tensorflow as tf

    bounds = (0, 1000) if kind == "integers" else ()

    def draw(seed, rows):
        return getattr(backend, kind)(seed, rows, (3,), *bounds)

    whole = draw(generator(), 4)
    with two_replicas.scope():
        seed = generator()
    rows = two_replicas.run(tf.function(lambda: draw(seed, 2)))
    halves = two_replicas.experimental_local_results(rows)
    np.testing.assert_array_equal(np.concatenate(halves), whole)


def test_a_row_of_normal_of_seeds_depends_on_its_seed_alone():
    seeds = np.array([7, 3, 7, 2**32 + 7, 2**40], "int64")
    rows = drawn("normal_of_seeds", backend.tensor(seeds), (2, 3))
    assert rows.shape == (5, 2, 3) and rows.dtype == np.float32
    np.testing.assert_array_equal(rows[0], rows[2])
    assert len({row.tobytes() for row in rows}) == 4  # all 64 bits of a seed matter
    alone = drawn("normal_of_seeds", backend.tensor(seeds[1:2]), (2, 3))
    np.testing.assert_array_equal(alone[0], rows[1])
    steps = [drawn("normal_of_seeds", seeds, (2, 3), step) for step in (0, 1, 2**30)]
    np.testing.assert_array_equal(steps[0], rows)
    assert len({step.tobytes() for step in steps}) == 3


@pytest.mark.slow
def test_neighbouring_seeds_give_independent_normal_rows():
    rows = drawn("normal_of_seeds", np.arange(2000), (2,))
    np.testing.assert_allclose(rows.mean(0), 0, atol=0.1)
    np.testing.assert_allclose(rows.std(0), 1, atol=0.06)
    pairs = np.corrcoef(np.concatenate([rows[:-1], rows[1:]], axis=1).T)
    np.testing.assert_allclose(pairs, np.eye(4), atol=0.1)


# --- graphs ---------------------------------------------------------------------------


def test_a_compiled_function_is_traced_as_often_as_the_backend_needs():
    traces = []

    def double(x):
        traces.append(1)
        return 2 * x

    function = backend.compiled(double)
    for rows in (3, 1, 4, 5, 2, 3, 1):
        x = np.arange(rows, dtype="float32")
        y = ops.convert_to_numpy(function(backend.tensor(x)))
        np.testing.assert_array_equal(y, 2 * x)
    # TensorFlow makes one graph for all, JAX one for each number of rows, PyTorch none.
    assert len(traces) == {"tensorflow": 1, "jax": 5, "torch": 7}[backend.NAME]


def test_a_compiled_function_sees_what_training_made_of_its_variables():
    w = built(Game).a.w
    function = backend.compiled(lambda x: w * x, [w])
    assert float(function(ops.ones(1))[0]) == 2
    w.assign(5.0)
    assert float(function(ops.ones(1))[0]) == 5


def test_images_of_a_batch_are_normalised_by_their_own_statistics():
    x = np.random.default_rng(0).normal(2, 3, (4, 5, 6, 2)).astype("float32")
    gamma, beta = np.array([[0.5, 2.0], [1.0, -1.0]], "float32")
    parts = backend.batch_norm(*map(backend.tensor, (x, gamma, beta)), 1e-3)
    y, mean, variance = map(ops.convert_to_numpy, parts)
    np.testing.assert_allclose(mean, x.mean((0, 1, 2)), rtol=1e-4)
    np.testing.assert_allclose(variance, x.var((0, 1, 2)), rtol=1e-4)
    expected = (x - mean) / np.sqrt(variance + 1e-3) * gamma + beta
    np.testing.assert_allclose(y, expected, atol=1e-4)


@pytest.mark.skipif(backend.NAME != "torch", reason="numbers of the torch backend")
def test_the_generator_gives_the_numbers_of_its_authors():
    from zoo.backend import torch as ours

    # From tests/kat_vectors of Random123: philox4x32 with 10 rounds, of zeros and ones.
    zeros = (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)
    ones = (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)
    for word, expected in ((0, zeros), (0xFFFFFFFF, ones)):
        words = [ops.full((1,), word, "int64") for _ in range(6)]
        numbers = ours._philox(words[:4], words[4:])
        assert tuple(int(each[0]) for each in numbers) == expected


def test_a_stateless_step_still_passes_super_calls_through():
    class Louder(Game):
        def train_step(self, data):
            return {"product": 10 * super().train_step(data)["product"]}

    game = built(Louder)
    assert tiny.step(game, tiny.images(4)) == {"product": 60}
    assert tiny.values([game.a.w]) == [2 - STEP * 3]


def test_scope_is_where_the_models_variables_are_made(two_replicas):
    import tensorflow as tf

    with two_replicas.scope():
        game = Game()
    with backend.scope(game):
        assert tf.distribute.get_strategy() is two_replicas
    with backend.scope(built(Game)):
        assert not tf.distribute.has_strategy()


# --- optimizers -----------------------------------------------------------------------


def five_steps(optimizer):
    """Returns the weight after five steps of `optimizer`, and its state."""
    random = np.random.default_rng(0)
    variable = keras.Variable(random.normal(size=(4, 3)).astype("float32"))
    for _ in range(5):
        gradient = ops.convert_to_tensor(random.normal(size=(4, 3)).astype("float32"))
        optimizer.apply([gradient], [variable])
    return tiny.values([variable, *optimizer.variables])


@pytest.mark.parametrize("kind", ["Adam", "AdamW"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"beta_1": 0.0, "beta_2": 0.9, "epsilon": 1e-3},
        {"beta_1": 0},
        {"weight_decay": 0.1, "clipnorm": 0.5},
        {"learning_rate": keras.optimizers.schedules.CosineDecay(0.1, 5)},
        {"amsgrad": True},
    ],
)
def test_a_fused_optimizer_takes_the_steps_of_keras(kind, options):
    options = {"learning_rate": 0.1} | options
    make = getattr(keras.optimizers, kind)
    own = five_steps(make(**options))  # in float32 the number 1 - 0.999^t is coarse
    fused = five_steps(backend.fused(make(**options)))
    for ours, theirs in zip(fused, own, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("channels, units", [(1, 4), (3, 1)])
def test_a_convolution_of_one_image_can_be_differentiated(channels, units):
    layer = fast.Conv2D(units, 3, padding="same")
    layer.build((None, 8, 8, channels))
    model = keras.Sequential([layer])
    model.compile(keras.optimizers.SGD(1.0), "mse", jit_compile=False)
    before = tiny.values(layer.weights)
    images = tiny.floats(1, (8, 8, channels))
    model.fit(images, np.ones((1, 8, 8, units), "float32"), verbose=0)
    after = tiny.values(layer.weights)
    assert all((new != old).any() for new, old in zip(after, before))
    x = ops.convert_to_tensor(images)
    slope = backend.input_gradient(lambda x: ops.square(layer(x)), x)
    assert np.isfinite(ops.convert_to_numpy(slope)).all()


@pytest.mark.skipif(backend.NAME != "tensorflow", reason="TensorFlow's registry")
@pytest.mark.parametrize("options", [{}, {"clipnorm": 0.5}])
def test_training_registers_no_gradient_that_would_keep_its_graph(options):
    from tensorflow.python.framework import ops

    def registered():
        names = ops.gradient_registry._registry
        return {name for name in names if name.startswith("CustomGradient-")}

    before = registered()
    model = Game()
    rule = keras.optimizers.Adam(STEP, **options)
    model.compile({name: rule.from_config(rule.get_config()) for name in "ab"})
    model.fit(tiny.images(4), batch_size=2, verbose=0)
    assert registered() <= before
