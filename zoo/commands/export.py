"""Writes a trained model for a model server, or for another runtime."""

import pathlib

from zoo import commands

VERB = commands.Verb(
    "export",
    __doc__.strip(),
    "python -m experiments.export --workdir=runs/vaegan-digits --out=serving/vaegan",
    runs=("workdir",),
)
VERB.group("What")
VERB.define("string", "workdir", "runs/vaegan-digits", "Run folder, or a .keras file.")
VERB.define("list", "signatures", None, "Such as sample,sample_png [all it can do].")
VERB.define(
    "string", "sampler", None, "Of a denoising model, e.g. ddim, heun [the model's]."
)
VERB.define("integer", "steps", None, "Of its sampler [the model's].", least=1)
VERB.define(
    "enum",
    "format",
    "saved_model",
    "For a model server; or, of signatures that are a pass through networks, for "
    "TFLite, OpenVINO (pip install openvino) or ONNX (pip install tf2onnx).",
    enum_values=["saved_model", "tflite", "openvino", "onnx"],
)
VERB.define("boolean", "warmup", True, "Requests that a server runs on loading.")
VERB.group("Where")
VERB.define(
    "string",
    "out",
    None,
    "Folder of the model's versions; its name is the model's on the server "
    "[serving/ and the name of the run].",
)
VERB.define("integer", "version", None, "Its number [one more than the last].", least=1)
VERB.define(
    "boolean",
    "config",
    False,
    "Whether models.config and batching.config are written, for all models beside it.",
)


def main():
    # TensorFlow takes seconds to import: --help and a wrong flag need not wait.
    import zoo
    from zoo.runs import folder
    from zoo.serving import configs

    flags = VERB.flags
    out = flags.out or f"serving/{pathlib.Path(flags.workdir).stem}"
    model = zoo.load(flags.workdir)
    names = ("signatures", "version", "steps", "sampler", "warmup", "format")
    options = {name: flags[name].value for name in names}
    path = zoo.export(model, out, rules=folder.kept_rules(flags.workdir), **options)
    print(f"written: {path}")
    if flags.config:
        for file in configs.write(path.parent.parent):
            print(f"written: {file}")
