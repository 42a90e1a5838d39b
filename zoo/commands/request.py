"""Asks a model server for images, or what it sees in some, over REST or gRPC."""

import pathlib
import re

from zoo import commands

VERB = commands.Verb(
    "request",
    __doc__.strip(),
    "python -m experiments.request --model=vaegan --num_images=4 --seed=7",
)
VERB.group("Whom")
VERB.define("string", "server", None, "host:port [localhost:8501, of gRPC 8500].")
VERB.define("boolean", "grpc", False, "Whether to ask over gRPC instead of REST.")
VERB.define("string", "model", "vaegan", "The model's name on the server.")
VERB.define(
    "string", "version", None, "A number, or a label, e.g. latest [the newest]."
)
VERB.define("float", "timeout", 60.0, "Seconds to wait for the reply.")
VERB.group("What")
VERB.define("string", "signature", "sample_png", "What is asked, e.g. classify_png.")
VERB.define(
    "integer",
    "num_images",
    4,
    "Of samples; of a way between two: its steps; of films, repeated in turn.",
    least=1,
)
VERB.define("integer", "seed", 0, "Image i is the image of seed + i.", least=0)
VERB.define(
    "list",
    "labels",
    [],
    "Classes by number, repeated in turn, e.g. 0,1,2; with --facts, by name, too.",
)
VERB.define(
    "string",
    "prompts",
    None,
    "What images show: a text, or @FILE with one a line, repeated in turn.",
)
VERB.define("float", "guidance", 1.0, "How much the images heed their labels.")
VERB.define_truncation()
VERB.define(
    "list",
    "images",
    [],
    "Picture files, of the size that the model takes; films (.gif) where it takes a "
    "past; two between which others are drawn.",
)
VERB.define(
    "string",
    "facts",
    None,
    "The zoo.json of the served version: it knows names of classes, and its rules read "
    "--images where a signature takes arrays [white background, 16 bits].",
)
VERB.define("string", "latents", None, "A .npy file of latents [N, D].")
VERB.group("Where")
VERB.define(
    "string",
    "out",
    "reply",
    "Folder: a .png an image, a .gif a clip, a .npy each other output.",
)

NAME = re.compile(r"\w[\w.-]*")  # names of outputs, which become names of files


def main():
    # NumPy and Pillow take a while to import: --help and a wrong flag need not wait.
    import numpy as np

    from zoo.commands import prompts
    from zoo.serving import client, rows

    flags = VERB.flags
    names = rows.kept_class_names(flags.facts) if flags.facts else None
    labels = _labels(flags.labels, names)
    truncation = VERB.sampling().get("truncation", 1.0)
    latents = np.load(flags.latents) if flags.latents else None
    port = 8500 if flags.grpc else 8501
    connect = client.Grpc if flags.grpc else client.Rest
    server = connect(
        flags.server or f"localhost:{port}", flags.model, flags.version, flags.timeout
    )
    materials = rows.Materials(
        flags.num_images,
        flags.seed,
        labels,
        flags.guidance,
        flags.images,
        latents,
        rows.kept_rules(flags.facts) if flags.facts else None,
        prompts.read(flags.prompts) if flags.prompts is not None else (),
        truncation,
    )
    known = server.signatures()
    if flags.signature not in known:
        raise ValueError(
            f"{flags.model!r} on the server has no such signature. Signatures: "
            f"{', '.join(sorted(known))}. Received: signature={flags.signature}."
        )
    inputs = materials.rows(flags.signature, known[flags.signature].inputs)
    outputs = server.predict(flags.signature, inputs)
    for name in outputs:
        if not NAME.fullmatch(name):  # a path would lead out of the folder
            raise ValueError(
                "The server names an output by what is no name of a file. "
                f"Received: {name!r}."
            )
    for name, values in outputs.items():
        _write(pathlib.Path(flags.out), name, values)


def _labels(texts, names):
    """Returns the labels that numbers mean and, where an export tells them, names."""
    from zoo.inputs import classes

    if names is None:
        return VERB.numbers("labels") if texts else ()
    labels = [int(text) if text.isdecimal() else text for text in texts]
    return classes.numbers(labels, names)


def _write(folder, name, values):
    """Writes an output into the folder, and prints it if it is short."""
    import numpy as np

    from zoo.drawing import plots, strips

    folder.mkdir(parents=True, exist_ok=True)
    if name == "png_bytes":
        for number, file in enumerate(values):
            (folder / f"{number:06d}.png").write_bytes(file)
    elif name == "images":
        plots.save_images(folder, values)
    elif name == "clips":
        strips.save_clips(folder, values)
    else:
        np.save(folder / f"{name}.npy", values)
        if values.ndim == 1:
            print(f"{name}: {', '.join(map(str, values))}")
            return
    print(f"{name}: {len(values)} written to {folder}")
