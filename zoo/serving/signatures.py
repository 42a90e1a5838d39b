"""What a model answers on a server: its signatures, by what it can do.

They know `ImageModel`'s methods, no model's name. Every input and output has its rows
first, so that a server can join requests into batches.
"""

import dataclasses
import functools

import tensorflow as tf

from zoo.inputs import pictures, pixels
from zoo.serving import clips, requests
from zoo.serving.requests import Input
from zoo.serving.signature import SEED, Signature

MAIN = (
    "classify",
    "sample",
    "reconstruct",
    "translate",
    "between",
)  # the first of these that a model has is its default
WEIGHT = Input("float32", (), 0, 1, usual=0.5)
TRUNCATION = Input("float32", (), 0, 1, usual=1.0)


def of(model, rules=None, **options):
    """Returns {name: `Signature`} of all that `model` can do.

    Args:
        rules: By which files become images, as `zoo.export` takes them.
        **options: Of its samples, as `model.draw` takes them, such as `steps`, or of
            its answers, as `model.to_target` does; fixed in the graph.
    Raises: ValueError: for an option that it does not take, or without networks.
    """
    model.require()
    if model.makes == "clip":
        model.require_options("draw", options)
        return {signature.name: signature for signature in clips.of(model)}
    model.require_options(_main_hook(model), options)
    offer = Offer(model, pictures.for_shape(model.image_shape, rules), options)
    signatures = [
        signature
        for _, needs, signatures_of in OFFERS
        if model.can(needs)
        for signature in signatures_of(offer)
    ]
    return {signature.name: signature for signature in signatures}


def main(names):
    """Returns the one of the signatures `names` that is a model's main job."""
    return next((name for name in MAIN if name in names), next(iter(names)))


class Offer:
    """Makes the signatures of a model; what several of them compute is one graph."""

    def __init__(self, model, rules, options):
        self.model, self.options = model, options
        self.floats = requests.floats(model.image_shape)
        self.bytes = Input("uint8", model.image_shape)
        self.rules = rules
        self.files = {"image_bytes": Input("string", model.image_shape, rules=rules)}
        self.to_classes = _graph(model.to_classes)
        self.to_latent = _graph(model.to_latent)
        self.to_images = _graph(model.to_images)
        hooks = {"draw": model.draw, "to_target": model.to_target}
        hook = _main_hook(model)
        hooks[hook] = functools.partial(hooks[hook], **options)
        self.draw, self.to_target = map(_graph, hooks.values())

    def of_images(self, name, answer, *inputs, **others):
        """Signatures of `inputs` that are images: floats, and the same as uint8."""
        kinds = {name: self.floats, f"{name}_uint8": self.bytes}
        return [
            Signature(each, dict.fromkeys(inputs, kind) | others, answer)
            for each, kind in kinds.items()
        ]

    def classify(self):
        def classify(images):
            probabilities, features = self.to_classes(pixels.to_float(images))
            return {
                "probabilities": probabilities,
                "labels": tf.argmax(probabilities, axis=-1, output_type=tf.int32),
                "features": features,
            }

        def classify_png(image_bytes):
            return classify(image_bytes)

        return [
            *self.of_images("classify", classify, "images"),
            Signature("classify_png", self.files, classify_png, is_network=False),
        ]

    def encode(self):
        def encode(images):
            images = pixels.to_float(images)
            if not self.model.can("posterior"):
                return {"z": self.to_latent(images)}
            z_mean, z_logvar = self.model.posterior(images)
            return {"z": z_mean, "z_mean": z_mean, "z_logvar": z_logvar}

        return self.of_images("encode", encode, "images")

    def decode(self):
        """Signatures of latents: their images, and those on the way between two."""
        latent = Input("float32", (self.model.config["latent_dim"],))

        def decode(z):
            return {"images": self.to_images(z)}

        def interpolate(z_a, z_b, weight):
            return decode(_between(z_a, z_b, weight))

        ends = {"z_a": latent, "z_b": latent, "weight": WEIGHT}
        return [
            Signature("decode", {"z": latent}, decode),
            Signature("interpolate", ends, interpolate),
        ]

    def reconstruct(self):
        """Signatures of images: their reconstructions, and the images between two."""

        def reconstruct(images):
            z = self.to_latent(pixels.to_float(images))
            return {"images": self.to_images(z)}

        def reconstruct_png(image_bytes):
            return _png(reconstruct(image_bytes))

        def interpolate(images_a, images_b, weight):
            a, b = (self.to_latent(pixels.to_float(x)) for x in (images_a, images_b))
            return {"images": self.to_images(_between(a, b, weight))}

        ends = "images_a", "images_b"
        return [
            *self.of_images("reconstruct", reconstruct, "images"),
            Signature("reconstruct_png", self.files, reconstruct_png, is_network=False),
            *self.of_images("interpolate_images", interpolate, *ends, weight=WEIGHT),
        ]

    def sample(self):
        model, takes = self.model, {"seed": SEED}
        if model.can("labels"):
            takes["label"] = Input("int32", (), 0, model.config["num_classes"] - 1)
        if model.can("prompts"):
            takes["prompt"] = Input("string", tokenizer=model.tokenizer)
        if model.can("guidance") and len(takes) > 1:
            takes["guidance"] = Input("float32", (), 0, usual=model.guidance)
        if model.can("truncation") and "truncation" not in self.options:
            takes["truncation"] = TRUNCATION

        def sample(seed, label=None, prompt=None, **options):
            options |= {} if prompt is None else {"captions": prompt}
            return {"images": self.draw(seed, label, **options)}

        def sample_png(**rows):
            return _png(sample(**rows))

        return [
            Signature("sample", takes, sample, is_network=False),
            Signature("sample_png", takes, sample_png, is_network=False),
        ]

    def translate(self):
        """Signatures of sources: the images that they become by seed 0."""
        shape = self.model.source_shape
        rules = dataclasses.replace(
            self.rules, image_size=shape[:2], channels=shape[-1]
        )
        floats, numbers = requests.floats(shape), Input("uint8", shape)
        files = {"image_bytes": Input("string", shape, rules=rules)}

        def translate(images):
            seeds = tf.zeros(tf.shape(images)[:1], tf.int64)
            return {"images": self.to_target(pixels.to_float(images), seeds)}

        def translate_png(image_bytes):
            return _png(translate(image_bytes))

        kinds = {
            "translate": ({"images": floats}, translate),
            "translate_uint8": ({"images": numbers}, translate),
            "translate_png": (files, translate_png),
        }
        return [Signature(name, *how, is_network=False) for name, how in kinds.items()]


OFFERS = (  # (what is answered, needs, function of an `Offer`: its signatures)
    ("classes", ("classify",), Offer.classify),
    ("latents", ("encode",), Offer.encode),
    ("images of latents", ("decode",), Offer.decode),
    ("reconstructions", ("reconstruct",), Offer.reconstruct),
    ("samples", ("sample",), Offer.sample),
    ("translations", ("translate",), Offer.translate),
)


def _main_hook(model):
    """Returns the name of the hook whose options an export fixes."""
    only_translates = model.can("translate") and not model.can("sample")
    return "to_target" if only_translates else "draw"


def _graph(function):
    return tf.function(function, autograph=False)


def _png(outputs):
    """Returns the images of `outputs` as PNG files."""
    images = pixels.to_uint8_tensor(outputs["images"])
    return {"png_bytes": tf.io.encode_png(images)}


def _between(z_a, z_b, weight):
    """Returns the latents at the shares `weight` `[N]` of the way from `z_a` to
    `z_b`."""
    weight = weight[:, None]
    return (1.0 - weight) * z_a + weight * z_b
