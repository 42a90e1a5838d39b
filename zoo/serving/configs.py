"""The files that configure a server: which models it has, how it joins requests."""

import pathlib

from zoo.files.atomic import replaced
from zoo.serving import versions

MODELS, BATCHING = "models.config", "batching.config"
BASE = "/models"  # where a server sees the folder of all models
KEPT = 2  # versions of a model that a server holds

_MODEL = """\
  config {{
    name: "{name}"
    base_path: "{base}/{name}"
    model_platform: "tensorflow"
    model_version_policy {{ specific {{ {numbers} }} }}
{labels}
  }}
"""
_LABEL = '    version_labels {{ key: "{key}" value: {number} }}'

# Requests that come within 2 ms of each other are one run of the graph, of 64 rows at
# most; a batch is filled up to the next of the allowed sizes. num_batch_threads is how
# many batches run at once: the number of cores is a good one, which 0 cannot ask for.
_BATCHING = """\
max_batch_size { value: 64 }
batch_timeout_micros { value: 2000 }
max_enqueued_batches { value: 100 }
num_batch_threads { value: 4 }
allowed_batch_sizes: 1
allowed_batch_sizes: 8
allowed_batch_sizes: 64
"""


def write(root, base=BASE):
    """Writes `models.config` and `batching.config` into `root`, the folder of all
    models' folders; returns their paths.

    The newest two versions of each model are served. The label `latest` is the newest,
    and `previous` the one before, or the same if there is only one.
    Raises: ValueError: if there is no version of a model.
    """
    root = pathlib.Path(root)
    versions_of = models(root)
    if not versions_of:
        raise ValueError(f"There is no exported model in the folder. Received: {root}.")
    texts = {MODELS: models_config(versions_of, base), BATCHING: _BATCHING}
    for name, text in texts.items():
        with replaced(root / name) as temporary:
            pathlib.Path(temporary).write_text(text)
    return [root / name for name in texts]


def models(root):
    """Returns {model: its versions} of the folders in `root`."""
    folders = sorted(path for path in pathlib.Path(root).iterdir() if path.is_dir())
    numbers_of = {folder.name: versions.existing(folder) for folder in folders}
    return {name: numbers for name, numbers in numbers_of.items() if numbers}


def labels(kept):
    """Returns {label: version} of the versions that a server holds."""
    return {"latest": kept[-1], "previous": kept[0]}


def models_config(versions_of, base=BASE):
    """Returns the text of a `models.config` of {model: its versions}."""
    parts = []
    for name, numbers in versions_of.items():
        kept = numbers[-KEPT:]
        text = _MODEL.format(
            name=name,
            base=base,
            numbers=" ".join(f"versions: {number}" for number in kept),
            labels="\n".join(
                _LABEL.format(key=key, number=number)
                for key, number in labels(kept).items()
            ),
        )
        parts.append(text)
    return f"model_config_list {{\n{''.join(parts)}}}\n"
