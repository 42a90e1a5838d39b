"""Tests of latent diffusion: words lead samples, padding says nothing, and it is the
`ddpm` where there are no words."""

import keras
import numpy as np
import pytest
import tiny
from keras import layers, ops

import zoo
from zoo import backend
from zoo.core import registry
from zoo.core.model import ImageModel
from zoo.evaluation import attention
from zoo.inputs import words
from zoo.networks import text, transformer, unet

pytestmark = [pytest.mark.any_backend, pytest.mark.eager]
WORDED = {
    "max_tokens": 8,
    "text_width": 8,
    "text_depth": 1,
    "steps": 3,
    "width": 4,
    "mult": (1,),
    "attention": (),
}
CAPTIONS = ["a red circle", "a blue square", "a red square", "ein K\u00e4se", "a star"]


def fields(count=10):
    captions = np.array([CAPTIONS[row % 5] for row in range(count)], object)
    return {"image": tiny.images(count), "caption": captions}


def worded(**changes):
    """Returns a tiny model of words that knows those of the captions, compiled."""
    keras.utils.set_random_seed(1)
    settings = WORDED | {"vocabulary": words.vocabulary(CAPTIONS)} | changes
    return zoo.get("latent_diffusion", image_shape=(8, 8, 1), **settings)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A model after two epochs, and its file after the first one."""
    model = zoo.get("latent_diffusion", **WORDED)
    model.compile()
    file = tmp_path_factory.mktemp("words") / "model.keras"
    options = {"batch_size": 4, "shuffle": False, "verbose": 0}
    model.fit(fields(), validation_data=fields(), **options)
    model.save(file)
    model.fit(fields(), validation_data=fields(), **options)
    return model, file


# --- equal to what there was ----------------------------------------------------------


class Fold(ImageModel):
    """The autoencoder that only folds squares of pixels into channels."""

    def __init__(self):
        super().__init__()

    def build_networks(self, image_shape):
        return {}

    @property
    def latent_shape(self):
        height, width, channels = self.image_shape
        return height // 2, width // 2, 4 * channels

    def to_latent(self, images, seeds=None):
        return layers.Flatten()(unet.fold(images, 2))

    def to_images(self, z):
        return unet.unfold(ops.reshape(z, (-1, *self.latent_shape)), 2)


@pytest.fixture
def folded_noise(monkeypatch):
    """Has the noise of folded images be that of the images, folded."""
    for name in ("normal", "normal_of_seeds"):
        plain = getattr(backend, name)

        def draw(*args, plain=plain):
            of_images = [(8, 8, 1) if type(a) is tuple else a for a in args]
            is_folded = (4, 4, 4) in [a for a in args if type(a) is tuple]
            return unet.fold(plain(*of_images), 2) if is_folded else plain(*args)

        monkeypatch.setattr(backend, name, draw)


def test_without_words_and_with_folded_pixels_it_is_the_ddpm(folded_noise):
    registry.register("fold")(Fold)
    try:
        fold = Fold()
        fold.build((8, 8, 1))
        same = {"width": 4, "mult": (1,), "attention": (0,), "dropout": 0.0}
        same |= {"sampler": "ddim", "steps": 10, "ema_decay": 0.0}
        shape = {"image_shape": (8, 8, 1)}
        ddpm = zoo.get(
            "ddpm", prediction="v", schedule="cosine", patch=2, **same, **shape
        )
        ddpm.noises_pixels = False  # so that nothing is clipped on the way
        ours = zoo.get(
            "latent_diffusion",
            autoencoder=fold,
            objective="v",
            max_tokens=0,
            **same,
            **shape,
        )
    finally:
        registry._CLASSES.pop("fold")
    ours.unet.set_weights(ddpm.unet.get_weights())
    ours.seed_generator.state.assign(ddpm.seed_generator.state)
    images = ops.convert_to_tensor(tiny.floats(6))
    results = [
        backend.gradients(m, lambda m=m: m.objective(images)) for m in (ddpm, ours)
    ]
    (theirs, their_terms), (gradients, terms) = results
    np.testing.assert_allclose(
        *(float(each["denoising"]) for each in (their_terms, terms)), rtol=1e-5
    )
    for a, b in zip(theirs["unet"], gradients["unet"], strict=True):
        a, b = (ops.convert_to_numpy(each) for each in (a, b))
        np.testing.assert_allclose(a, b, atol=1e-5 * max(1, np.abs(a).max()))
    np.testing.assert_allclose(
        ours.sample(3, seed=0), ddpm.sample(3, seed=0), atol=1e-5
    )


# --- words ----------------------------------------------------------------------------


def test_attention_to_one_visible_token_is_its_value():
    keras.utils.set_random_seed(0)
    tokens = layers.Input((5, 8))
    visible = layers.Input((5,), dtype="bool")
    y, weights = transformer.attend(tokens, 2, "attention", visible)
    network = keras.Model([tokens, visible], [y, weights])
    x = np.random.default_rng(0).normal(size=(2, 5, 8)).astype("float32")
    seen = np.zeros((2, 5), bool)
    seen[:, 1] = True
    y, weights = map(ops.convert_to_numpy, network([x, seen]))
    np.testing.assert_array_equal(weights[..., 1], 1)
    other = x.copy()
    other[:, 2:] += 1  # hidden tokens say nothing, to the bit
    np.testing.assert_array_equal(
        ops.convert_to_numpy(network([other, seen])[0])[:, :2], y[:, :2]
    )
    np.testing.assert_allclose(y[:, 0], y[:, 1], atol=1e-6)


def test_padding_is_not_looked_at_and_the_empty_caption_is_finite():
    keras.utils.set_random_seed(0)
    context = text.encode(300, 6, 8, 1)
    grid = layers.Input((2, 2, 4))
    y = context.look(grid, "look")
    network = keras.Model([grid, context.tokens], y)
    weights = keras.Model(network.input, network.get_layer("look_weights").output)
    x = np.random.default_rng(0).normal(size=(3, 2, 2, 4)).astype("float32")
    tokens = np.array([[1, 270, 2, 0, 0, 0], [1, 2, 0, 0, 0, 0], [0] * 6], "int32")
    shares = ops.convert_to_numpy(weights([x, tokens]))
    assert shares.shape == (3, 4, 4, 6)
    np.testing.assert_allclose(shares.sum(axis=-1), 1, atol=1e-6)
    assert (shares[0, :, :, 3:] == 0).all() and (shares[0, :, :, :3] > 0).all()
    assert (shares[2, :, :, 0] == 1).all()  # the first token is always there
    assert np.isfinite(ops.convert_to_numpy(network([x, tokens]))).all()


def test_captions_are_dropped_as_a_whole():
    model = worded(label_dropout=0.5)
    tokens = model.tokenizer.tokens(CAPTIONS * 40)
    kept = ops.convert_to_numpy(model.drop_labels(ops.convert_to_tensor(tokens), 200))
    empty = ops.convert_to_numpy(model.nothing(1))[0]
    assert empty.tolist() == model.tokenizer.tokens([""])[0].tolist()
    is_empty = (kept == empty).all(axis=1)
    assert 60 < is_empty.sum() < 140
    np.testing.assert_array_equal(kept[~is_empty], tokens[~is_empty])


def test_guidance_goes_from_the_negative_caption_through_the_prompt():
    model = worded()
    network, x = model.unet, ops.convert_to_tensor(tiny.floats(2))
    # A new network hardly looks at words.
    rng = np.random.default_rng(0)
    network.set_weights([0.3 * rng.normal(size=w.shape) for w in network.get_weights()])
    t = ops.full((2,), 0.5)
    goal = tuple(model.tokenizer.tokens([c] * 2) for c in ("a red circle", "a star"))
    at = [
        ops.convert_to_numpy(model._guided(network, x, t, goal, s, 0.5, 0.5))
        for s in (0.0, 1.0, 2.0)
    ]
    plain = [ops.convert_to_numpy(model.ask(network, x, t, each)) for each in goal]
    np.testing.assert_allclose(at[0], plain[1], atol=1e-4)
    np.testing.assert_allclose(at[1], plain[0], atol=1e-4)
    np.testing.assert_allclose(at[2], 2 * at[1] - at[0], atol=1e-4)
    assert np.abs(at[1] - at[0]).max() > 1e-3


# --- training and files ---------------------------------------------------------------


@pytest.mark.slow
def test_a_run_of_captions_resumes_to_the_bit(trained):
    model, file = trained
    assert model.config["vocabulary"] == words.vocabulary(fields()["caption"])
    resumed = zoo.load(file)
    options = {"batch_size": 4, "shuffle": False, "verbose": 0}
    resumed.fit(fields(), validation_data=fields(), **options)
    for a, b in zip(tiny.state(model), tiny.state(resumed), strict=True):
        np.testing.assert_array_equal(a, b)
    samples = [m.sample(prompts=CAPTIONS[:2], seed=0) for m in (model, resumed)]
    np.testing.assert_array_equal(*samples)


@pytest.mark.slow
def test_samples_are_those_of_their_seeds_and_prompts(trained):
    model, _ = trained
    images = model.sample(prompts=CAPTIONS[:3], negative="a star", seed=5)
    assert images.shape == (3, 8, 8, 1) and np.abs(images).max() <= 1
    alone = model.sample(prompts=CAPTIONS[2], negative=["a star"], seed=7)
    np.testing.assert_allclose(alone[0], images[2], atol=1e-5)
    path = model.sample(
        prompts=CAPTIONS[:3], negative="a star", seed=5, trajectory=True
    )
    assert path.shape == (3, 4, 8, 8, 1)
    np.testing.assert_allclose(path[:, -1], images, atol=1e-5)
    assert (images != model.sample(prompts=CAPTIONS[:3], seed=5)).any()


@pytest.mark.slow
def test_each_place_shares_its_attention_among_the_words(trained):
    model, _ = trained
    prompts = ["a red circle", "Käse"]
    maps = model.words(prompts, seed=3)
    assert maps.shape == (2, 8, 4, 4) and maps.dtype == np.float32
    np.testing.assert_allclose(maps.sum(axis=1), 1.0, atol=1e-5)
    # What fills a text up is hidden: beginning, three words, end; the rest is 0.
    assert (maps[0, :5] > 0).all() and (maps[0, 5:] == 0).all()
    np.testing.assert_allclose(model.words(prompts[1], seed=4)[0], maps[1], atol=1e-4)
    (first, second) = attention.of_words(model, prompts, seed=3)
    assert [word for word, _ in first] == ["a", "red", "circle"]
    np.testing.assert_allclose(first[2][1], maps[0, 3], atol=1e-6)
    assert [word for word, _ in second] == ["k\u00e4se"]


def test_maps_are_the_mean_of_all_that_looked_on_the_finest_grid():
    settings = WORDED | {"mult": (1, 1), "attention": (0, 1), "ema_decay": 0.0}
    model = zoo.get("latent_diffusion", image_shape=(16, 16, 1), **settings)
    random = np.random.default_rng(0)
    for variable in model.unet.weights:  # so that each place looks elsewhere
        variable.assign(0.5 * random.normal(size=variable.shape))
    maps = model.words("ab", seed=3)
    network, tokens = text.shares_of(model.unet), model.tokenizer.tokens(["ab"])
    x_0 = model.sample(prompts="ab", seed=3)
    eps = ops.convert_to_numpy(backend.normal_of_seeds(np.array([3]), (16, 16, 1)))
    wanted = []
    for t in (0.3, 0.5, 0.7):
        for each in network(
            [(1 - t) * x_0 + t * eps, np.full(1, t * model.time_scale), tokens]
        ):
            share = ops.convert_to_numpy(each)[0].mean(axis=0)  # of all heads
            side = int(len(share) ** 0.5)
            grid = share.T.reshape(8, side, side)
            wanted.append(grid.repeat(8 // side, axis=1).repeat(8 // side, axis=2))
    sizes = {each.shape[2] for each in network([x_0, np.zeros(1), tokens])}
    assert sizes == {16, 64} and maps.shape == (1, 8, 8, 8)
    np.testing.assert_allclose(maps[0], np.mean(wanted, axis=0), atol=1e-4)
    assert np.ptp(maps[0, 1]) > 1e-2


@pytest.mark.slow
def test_pictures_are_changed_by_prompts(trained):
    model, _ = trained
    images = tiny.images(2)
    mask = np.zeros((8, 8))
    mask[:4] = 1
    edited = model.inpaint(images, mask, prompts=CAPTIONS[:2], seed=0, resampling=1)
    np.testing.assert_allclose(edited[:, 4:], tiny.floats(2)[:, 4:], atol=1e-6)
    assert (edited[:, :4] != tiny.floats(2)[:, :4]).any()
    varied = [model.variations(images, prompts=each, seed=0) for each in ("a", "star")]
    assert varied[0].shape == (2, 8, 8, 1) and (varied[0] != varied[1]).any()


@pytest.mark.slow
@pytest.mark.eager
def test_parts_of_a_batch_and_lower_precision_know_their_captions(mixed_bfloat16):
    model = worded()
    model.compile(run_eagerly=True, gradient_accumulation_steps=2)
    before = tiny.values(model.trainable_variables)
    history = model.fit(fields(4), batch_size=2, verbose=0).history
    assert np.isfinite(history["denoising"]).all()
    moved = [
        (a != b).any() for a, b in zip(before, tiny.values(model.trainable_variables))
    ]
    assert all(moved)


# --- what is refused ------------------------------------------------------------------


def test_prompts_that_are_none_are_refused(trained):
    model, _ = trained
    wrong = {
        "in a list or an array. Received: 3": {"prompts": 3},
        "says something. Received: 2 empty": {"prompts": ["", " "]},
        "texts, one a row. Received: 1": {"prompts": [1, 2]},
        "UTF-8. Received: the bytes": {"prompts": [b"\xff"]},
        "one text an image in prompts. Received: 2": {"n": 3, "prompts": ["a", "b"]},
        "negative. Received: 2 texts for 1": {"prompts": ["a"], "negative": ["a", "b"]},
    }
    for sentence, arguments in wrong.items():
        with pytest.raises(ValueError, match=sentence):
            model.sample(**arguments)


def test_what_is_cut_of_a_long_prompt_is_told(caplog):
    model = worded()
    model.prompt_tokens(["a red circle " + "a star " * 1400], 1, "prompts")
    assert "9813 characters has more than max_tokens=8" in caplog.text
    assert "begins with: a star a star" in caplog.text
    caplog.clear()
    model.prompt_tokens(["a red circle square of a"], 1, "prompts")
    assert "begins with: a" in caplog.text  # "of" is spelt, in three tokens


def test_a_negative_prompt_needs_guidance():
    labelled = zoo.get("latent_diffusion", **tiny.CONFIGS["latent_diffusion"])
    for model in (zoo.get("latent_diffusion", label_dropout=0.0), labelled):
        with pytest.raises(ValueError, match="takes no negative.* with guidance. Rec"):
            model.prompt_tokens("a star", 1, "negative")
    with pytest.raises(ValueError, match="takes no prompts: it has not learned"):
        labelled.prompt_tokens(["a star"], 1, "prompts")


def test_settings_that_cannot_work_are_refused():
    wrong = {
        "samples by euler, heun. Received: sampler='ddim'": {"sampler": "ddim"},
        "max_tokens of at least 3": {"max_tokens": 2},
        "takes a trained model of the zoo": {"autoencoder": 3},
        "has been trained": {"autoencoder": zoo.get("ae")},
    }
    for sentence, settings in wrong.items():
        with pytest.raises(ValueError, match=sentence):
            zoo.get("latent_diffusion", **settings)
    built = {
        "multiple of 4. Received: text_width=6": {"text_width": 6},
        "patch that divides height and width. Received: patch=3": {"patch": 3},
        "grid of latents.* Received: 'classifier'": {
            "autoencoder": tiny.model("classifier")
        },
        "built for images of 9x8x1. Received: 8x8x1": {
            "autoencoder": tiny.model("ae", (9, 8, 1))
        },
    }
    for sentence, settings in built.items():
        with pytest.raises(ValueError, match=sentence):
            zoo.get("latent_diffusion", image_shape=(8, 8, 1), **settings)
