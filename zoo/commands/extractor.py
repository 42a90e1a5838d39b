"""Makes a data set's feature extractor, as the zoo ships it, of a classifier's run."""

import pathlib

from zoo import commands

VERB = commands.Verb(
    "extractor",
    __doc__.strip(),
    "python -m experiments.extractor --workdir=runs/recipe-classifier-digits",
    runs=("workdir",),
    presets=False,
)
VERB.group("What")
VERB.define(
    "string", "workdir", "runs/recipe-classifier-digits", "Folder of a finished run."
)
VERB.group("Where")
VERB.define(
    "string",
    "out",
    "zoo/pretrained/weights",
    "Folder of DATASET.npz (weights) and DATASET.json.",
)


def main():
    # TensorFlow takes seconds to import: --help and a wrong flag need not wait.
    import zoo
    from zoo.pretrained import features as presets
    from zoo.runs import folder as runs

    workdir, out = VERB.flags.workdir, pathlib.Path(VERB.flags.out)
    record = runs.RunFolder(workdir).read_record()
    settings = record["settings"]
    if settings["classes"] is not None or settings["image_size"] is not None:
        raise ValueError(
            "An extractor knows all classes of its data set, at its own size. "
            f"Received: classes={settings['classes']}, "
            f"image_size={settings['image_size']}."
        )
    dataset, data_dir = settings["dataset"], settings["data_dir"]
    test = zoo.data.arrays(dataset, "test", data_dir=data_dir)
    facts = {"git_commit": record["git_commit"], "trained_by": record["command"]}
    facts |= {"made_by": f"python -m experiments.extractor --workdir={workdir}"}
    out.mkdir(parents=True, exist_ok=True)
    extractor = presets.store(zoo.load(workdir), out, dataset, dataset, test, facts)
    path = out / f"{dataset}.npz"
    print(f"accuracy {extractor.about['accuracy']:.2%} of {len(test[0]):,} test images")
    print(f"{path.stat().st_size:,} bytes: {path} (sha256 {extractor.sha256})")
