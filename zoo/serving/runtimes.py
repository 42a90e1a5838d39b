"""A model for runtimes other than a TensorFlow server: TFLite, OpenVINO, ONNX.

They run networks, not programs: what a signature computes in one pass goes into them,
its checks and its files of images do not.
"""

import dataclasses
import importlib
import tempfile

import tensorflow as tf

from zoo.serving import saved, versions

OPSET = 18  # of ONNX


def write(format, signatures, folder, version=None, facts=None):
    """Writes the `Signature`s for the runtime `format` into `folder/<version>`; returns
    its path.

    "tflite" is one file of all, `model.tflite`; "openvino" and "onnx" are one a
    signature, such as `decode.xml` with `decode.bin`, and `decode.onnx`; in these two
    an output with the name of an input is called "images_1", say.
    Raises: ValueError: for an unknown format, or a signature that is no single pass.
        ImportError: if the converter is not installed.
    """
    if format not in FORMATS:
        raise ValueError(
            f"Formats are saved_model, {', '.join(FORMATS)}. Received: {format!r}."
        )
    for each in signatures:
        if not each.is_network:
            raise ValueError(
                f"{format} cannot hold {each.name}: random numbers, sampling loops and "
                "files of images are TensorFlow's own operations. "
                f"Received: signature {each.name!r} with format {format!r}."
            )
    with versions.new(folder, version, facts) as (temporary, final):
        FORMATS[format](signatures, temporary)
    return final


def _tflite(signatures, folder):
    graphs = {each.name: each.concrete(with_checks=False) for each in signatures}
    with tempfile.TemporaryDirectory() as source:
        saved.save(graphs, source)
        converter = tf.lite.TFLiteConverter.from_saved_model(
            source, signature_keys=list(graphs)
        )
        (folder / "model.tflite").write_bytes(converter.convert())


def _openvino(signatures, folder):
    openvino = _imported("openvino", "openvino")
    for each in map(_with_different_names, signatures):
        with tempfile.TemporaryDirectory() as source:
            saved.save({saved.DEFAULT: each.concrete(with_checks=False)}, source)
            network = openvino.convert_model(source)
        path = folder / f"{each.name}.xml"
        openvino.save_model(network, path, compress_to_fp16=False)


def _onnx(signatures, folder):
    convert = _imported("tf2onnx.convert", "tf2onnx")
    for each in map(_with_different_names, signatures):
        specs = [takes.spec(name) for name, takes in each.takes.items()]
        path = str(folder / f"{each.name}.onnx")
        function = _by_position(each)
        convert.from_function(function, specs, opset=OPSET, output_path=path)


def _by_position(signature):
    """Returns the function of the tensors that a `Signature` takes, in their order."""
    graph = signature.concrete(with_checks=False)

    def answer(*values):
        return graph(**dict(zip(signature.takes, values)))

    return tf.function(answer, autograph=False)


def _with_different_names(signature):
    """Returns the `Signature` with "_1" behind the outputs that have the name of an
    input: in a network no two names are alike."""

    def answer(**values):
        outputs = signature.answer(**values)
        return {
            f"{name}_1" if name in signature.takes else name: value
            for name, value in outputs.items()
        }

    return dataclasses.replace(signature, answer=answer)


FORMATS = {"tflite": _tflite, "openvino": _openvino, "onnx": _onnx}


def _imported(name, packages):
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ImportError(
            f"The converter is not installed: pip install {packages}."
        ) from None
