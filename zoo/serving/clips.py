"""What a model of clips answers on a server: clips as uint8, or frames side by side as
one PNG file."""

import tensorflow as tf

from zoo.inputs import pixels, shapes
from zoo.serving.requests import Input
from zoo.serving.signature import SEED, Signature

NEAR = 0.001  # of the time of a frame between two, from both ends


def of(model):
    """Returns the `Signature`s of all that a model of clips can do."""
    return [
        signature
        for capability, signatures_of in OFFERS.items()
        if model.can(capability)
        for signature in signatures_of(model)
    ]


def sample(model):
    """New clips by their seeds."""
    draw = tf.function(model.draw, autograph=False)
    return _pair("sample", {"seed": SEED}, lambda seed: draw(seed))


def predict_frames(model):
    """The frames that follow a past, of 5 in 16 frames, up to the length of the clips
    of the training."""
    count, *frame = model.image_shape
    past = shapes.past_of(count)
    takes = {"past": Input("uint8", (past, *frame)), "seed": SEED}

    def foretold(past, seed):
        return model.to_future(pixels.to_float(past), seed, count - past.shape[1])

    return _pair("predict_frames", takes, tf.function(foretold, autograph=False))


def between(model):
    """The frame at a time between two, a time a row."""
    image = Input("uint8", tuple(model.image_shape[1:]))
    time = Input("float32", (), NEAR, 1 - NEAR, usual=0.5)

    def drawn(first, last, time):
        ends = (pixels.to_float(each) for each in (first, last))
        return model.to_between(*ends, (time,))

    takes = {"first": image, "last": image, "time": time}
    graph = tf.function(drawn, autograph=False)
    return _pair("between", takes, graph, lambda clips: {"images": clips[:, 0]})


def _pair(name, takes, answer, outputs=lambda clips: {"clips": clips}):
    """Signatures of clips as uint8, and of the same as PNG files."""

    def clips_of(**rows):
        return pixels.to_uint8_tensor(answer(**rows))

    def arrays(**rows):
        return outputs(clips_of(**rows))

    def files(**rows):
        clips = tf.transpose(clips_of(**rows), (0, 2, 1, 3, 4))
        _, height, count, width, channels = clips.shape
        strips = tf.reshape(clips, (-1, height, count * width, channels))
        return {"png_bytes": tf.io.encode_png(strips)}

    kinds = {name: arrays, f"{name}_png": files}
    return [Signature(key, takes, f, is_network=False) for key, f in kinds.items()]


OFFERS = {"sample": sample, "predict_frames": predict_frames, "between": between}
