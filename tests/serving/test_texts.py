"""Tests that a graph makes the same tokens of a text as a model does."""

import numpy as np
import pytest

import zoo
from zoo import backend
from zoo.inputs import words

pytestmark = pytest.mark.skipif(
    not backend.HAS_TF_DATA, reason="an export is TensorFlow's"
)
TEXTS = [
    "a red circle, above a BLUE square!",
    "",
    "  spaces\tand\u3000more \u00a0 ",
    "\u4e38\u3044\u82b1 K\u00e4se \u00c4rger",
    "under_score x2 5\u00bd \u2014 \U0001f600\U0001f44d\U0001f3fd",
    "\uc0ac\uacfc\uc640 caf\u00e9 (na\u00efve)",
    "a " * 5000,
    "\u043f\u0440\u0438\u0432\u0435\u0442 \u0645\u0631\u062d\u0628\u0627",
]


@pytest.mark.parametrize("vocabulary", [(), ("a", "red", "\u4e38", "k\u00e4se", ",")])
def test_a_graph_makes_the_tokens_of_the_model(vocabulary):
    import tensorflow as tf

    from zoo.serving import texts

    tokenizer = words.Tokenizer(vocabulary, 24)
    graph = tf.function(lambda rows: texts.tokens(rows, tokenizer, "must"))
    rows = tf.constant([text.encode() for text in TEXTS])
    np.testing.assert_array_equal(graph(rows), tokenizer.tokens(TEXTS))
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="must Received: bytes tha"
    ):
        graph(tf.constant([b"a", b"\xff"]))


@pytest.mark.slow
def test_a_server_draws_what_a_prompt_says():
    import tensorflow as tf

    from zoo.serving import signatures

    settings = {"max_tokens": 8, "text_width": 4, "text_depth": 0, "attention": ()}
    settings |= {"steps": 2, "width": 4, "mult": (1,), "vocabulary": ("a", "red")}
    model = zoo.get("latent_diffusion", image_shape=(8, 8, 1), **settings)
    served = signatures.of(model)["sample"]
    assert list(served.takes) == ["seed", "prompt", "guidance"]
    rows = {name: takes.example(2) for name, takes in served.takes.items()}
    rows |= {"seed": np.array([3, 4]), "prompt": np.array([b"a red", b"star"], object)}
    rows["guidance"] = np.array([3.0, 3.0], "float32")
    answer = served.concrete()(**{n: tf.constant(row) for n, row in rows.items()})
    wanted = model.sample(prompts=["a red", "star"], seed=3, guidance=3.0)
    np.testing.assert_allclose(answer["images"], wanted, atol=1e-4)
    assert "texts in UTF-8" in str(served.takes["prompt"])
