"""Requests that a server runs on loading a version, before the first user's: TensorFlow
chooses its kernels and plans its memory on a graph's first run."""

import importlib.util

import tensorflow as tf

FILE = "assets.extra/tf_serving_warmup_requests"


def require():
    """Raises ImportError if the package that such requests are made of is missing."""
    if importlib.util.find_spec("tensorflow_serving") is None:
        raise ImportError(
            "Warm-up requests need a package more, tensorflow-serving-api (the extra "
            "`serve`): install it, or export without them, by warmup=False."
        )


def write(folder, model_name, signatures):
    """Writes one request of one row for each `Signature` into the SavedModel
    `folder`."""
    from tensorflow_serving.apis import prediction_log_pb2

    path = folder / FILE
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature in signatures:
            log = prediction_log_pb2.PredictLog(request=request(model_name, signature))
            record = prediction_log_pb2.PredictionLog(predict_log=log)
            writer.write(record.SerializeToString())


def request(model_name, signature):
    """Returns the PredictRequest of a `Signature`'s example."""
    from tensorflow_serving.apis import predict_pb2

    example = predict_pb2.PredictRequest()
    example.model_spec.name = model_name
    example.model_spec.signature_name = signature.name
    for name, takes in signature.takes.items():
        example.inputs[name].CopyFrom(tf.make_tensor_proto(takes.example()))
    return example
