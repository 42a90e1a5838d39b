"""A verb: its purpose, its flags in groups with units and defaults, its help."""

import math
import textwrap

from absl import flags

from zoo.commands import verbs

# What kinds of sets let one choose; the first is the default.
CHOICES = {
    "color": ["auto", "grey", "rgb"],
    "fit": ["crop", "pad", "stretch"],
    "language": ["en", "ja"],
    "label": ["class", "direction", "both"],
    "bounce": ["exact", "random"],
}
MEANINGS = {
    "color": "Channels of a folder's images (auto: grey if all files are)",
    "fit": "How a folder's pictures of other proportions come to the size",
    "language": "Language of the captions of emoji",
    "label": "What labels of moving: tell",
    "bounce": "How objects of moving: turn at the edges",
}
# What else a data set lets one choose: {flag: (absl's kind, meaning, default, least)}.
OPTIONS = {
    "background": (
        "string",
        "Colour behind transparency, by name or #rrggbb",
        "white",
        None,
    ),
    "domains": (
        "string",
        "Two classes (of emoji, two styles) as unpaired domains, e.g. 5,7",
        "none",
        None,
    ),
    "text_column": (
        "string",
        "Columns of captions' metadata.csv or .jsonl with texts, e.g. text,tags",
        "text",
        None,
    ),
    "frames": ("integer", "Frames of a clip", "16", 2),
    "every": (
        "integer",
        "A clip takes each how many-th frame of its film; of moving: 1",
        "2",
        1,
    ),
    "objects": (
        "integer",
        "Things in a picture of scenes, or a clip of moving:",
        "scenes: 1 or 2, moving: 1",
        1,
    ),
    "subpixel": ("bool", "Draw the objects of moving: between pixels", "no", None),
    "drawn_from": ("integer", "Number that a set made by rule is drawn from", "0", 0),
}
SAMPLING = ("sampler", "steps", "guidance", "truncation")
DATASET = ("dataset", "classes", "image_size", "data_dir")


class Verb:
    """A command: its name, its purpose in a line, an example, its flags in groups.

    Each verb has flags of its own rather than absl's global ones, so that two verbs can
    live in one process. `--flagfile` works as in every absl program.

    Args:
        models: The flags that name models of the zoo.
        runs: The flags that name trained runs, or files of models, to read.
        presets: Whether --weights, which is defined beside --workdir, may name a preset
            in place of a run.
    """

    def __init__(self, name, purpose, example, models=(), runs=(), presets=True):
        self.name = name
        self.models, self.runs = models, runs
        self.purpose = purpose
        self.example = example
        self.flags = flags.FlagValues()
        self.groups, self.least = {}, {}
        self.has_weights = presets and "workdir" in runs
        self.argv = [name]
        self.program = None  # what was typed before its name; None: a door's

    def group(self, title):
        """Sets the title of the group of flags that are defined from here on."""
        self.groups[title] = []

    def define(self, kind, name, default, help, least=None, **options):
        """Defines a flag.

        Args:
            kind: Names absl's function, such as "integer".
            least: The smallest number that the flag takes; None for any.
            options: As absl's function takes them.
        """
        if least is not None:
            self.least[name] = least
        getattr(flags, f"DEFINE_{kind}")(
            name=name, default=default, help=help, flag_values=self.flags, **options
        )
        list(self.groups.values())[-1].append((name, help))
        if name == "workdir" and self.has_weights:
            text = (
                "Preset in place of --workdir, e.g. gan/emoji, which `zoo.presets()` "
            )
            text += "lists; what is made of it goes to runs/presets/gan-emoji [none]."
            self.define(kind, "weights", None, text)

    def define_dataset(self):
        """Defines the flags that say on which images a model is looked at."""
        self.define(
            "string", "dataset", None, "Data set [the one that it was trained on]."
        )
        self.define(
            "list", "classes", None, "Its classes, e.g. 5,7,9 [as in training]."
        )
        self.define_pictures("as in training")
        self.define(
            "string",
            "data_dir",
            None,
            "Where tensorflow-datasets keeps its sets [its own].",
        )

    def define_pictures(self, default=None):
        """Defines the flags that say how pictures become images.

        Args:
            default: What holds without them, for the help; None for what a data set
                does by itself.
        """
        size = default or "as in the data set"
        self.define(
            "string",
            "image_size",
            None,
            f"Side in pixels, or WIDTHxHEIGHT, e.g. 64x96 [{size}].",
        )
        for name, words in CHOICES.items():
            text = f"{MEANINGS[name]}: {', '.join(words)} [{default or words[0]}]."
            self.define("string", name, None, text)
        for name, (kind, meaning, usual, least) in OPTIONS.items():
            self.define(kind, name, None, f"{meaning} [{default or usual}].", least)

    def define_labels(self):
        """Adds the flag that `labels` reads."""
        text = "Classes of a conditional model by number or name, e.g. 0,1,Bag, "
        text += "repeated in turn [drawn by the seed]."
        self.define("list", "labels", None, text)

    def define_sampling(self):
        """Adds the flags of how a model makes samples."""
        text = "Of a denoising model, e.g. ddim, heun [the model's]."
        self.define("string", "sampler", None, text)
        text = "Of its sampler [the model's]."
        self.define("integer", "steps", None, text, least=1)
        text = "How much it heeds the labels: 0 not at all, 1 as in training [the "
        self.define("float", "guidance", None, text + "model's].")
        self.define_truncation()

    def define_truncation(self):
        """Adds the flag of how far a model of styles keeps to their mean."""
        text = "Of a model of styles: from 0, the mean style, to 1, each as it is [1]."
        self.define("float", "truncation", None, text)

    def sampling(self):
        """Returns the options of `model.sample` that these flags choose.

        Raises: ValueError: if --truncation is outside [0, 1].
        """
        chosen = {n: self.flags[n].value for n in SAMPLING if n in self.flags}
        chosen = {name: value for name, value in chosen.items() if value is not None}
        share = chosen.get("truncation", 1.0)
        if not 0 <= share <= 1:
            raise ValueError(
                "--truncation lies in [0, 1]: 0 is the mean style, 1 leaves each as it "
                f"is. Received: truncation={share:g}."
            )
        return chosen

    def dataset(self):
        """Returns the values of the flags of a data set, as `zoo.data.open` takes them
        but for its name, `dataset`; options that are not chosen are left out.

        Raises: ValueError: if --image_size is of no use.
        """
        from zoo.data import arguments

        values = {name: self.flags[name].value for name in DATASET}
        values["image_size"] = arguments.parsed_size(values["image_size"])
        options = {name: self.flags[name].value for name in (*CHOICES, *OPTIONS)}
        return values | {k: value for k, value in options.items() if value is not None}

    def numbers(self, name, kind=int):
        """Returns the numbers of a flag of kind "list": whole ones from 0, or any with
        `kind` float; None if it is not given.

        Raises: ValueError: if one is no such number.
        """
        texts = self.flags[name].value
        if texts is None:
            return None
        try:
            values = [kind(text) for text in texts]
        except ValueError:
            values = []
        whole = kind is int
        if (
            not values
            or not all(map(math.isfinite, values))
            or (whole and min(values) < 0)
        ):
            takes = "whole numbers from 0, e.g. 0,1,2" if whole else "numbers"
            raise ValueError(
                f"--{name} takes {takes}. Received: {name}={','.join(texts)}."
            )
        return values

    def take_presets(self):
        """Puts the folders of the presets that --weights names in the place of
        --workdir, or behind them where that is a list.

        Raises: ValueError: if both name a model, or a preset cannot be read.
        """
        names = self.flags["weights"].value if self.has_weights else None
        if not names:
            return
        workdir = self.flags["workdir"]
        is_list = isinstance(names, list)
        if workdir.present and not is_list:
            raise ValueError(
                "--weights stands in the place of --workdir: choose one. "
                f"Received: workdir={workdir.value} and weights={names}."
            )
        from zoo.runs import preset_runs  # slow

        paths = [
            str(preset_runs.place(each)) for each in (names if is_list else [names])
        ]
        typed = workdir.value if workdir.present else []
        workdir.value = [*typed, *paths] if is_list else paths[0]

    def labels(self):
        """Returns the labels that --labels means, by number or by the names that the
        model in --workdir keeps; None if it is not given.

        Raises: ValueError: if it names no class.
        """
        texts = self.flags["labels"].value
        if texts is None:
            return None
        if not texts:
            raise ValueError(
                "--labels takes classes by number or name, e.g. 0,1,Bag. "
                "Received: labels=."
            )
        if all(text.isdecimal() for text in texts):
            return [int(text) for text in texts]
        from zoo.inputs import classes
        from zoo.runs import folder

        names = folder.kept_class_names(self.flags["workdir"].value)
        return classes.numbers(texts, names)

    def usage(self):
        """Returns the help: flags in groups, with units and defaults."""
        lines = [self.purpose, "", f"  {self.example}"]
        for title, names in self.groups.items():
            lines += ["", f"{title}:"]
            for name, text in names:
                lines += _usage_of(self.flags[name], text)
        lines += ["", "  * may be repeated   --flagfile=PATH reads flags from a file"]
        return "\n".join(lines)

    def addressed(self, text):
        """Returns `text` with all commands in it named as this one was typed."""
        return verbs.addressed(text, self.program) if self.program else text

    def parse(self, argv):
        """Reads the command line; `argv[0]` is the program.

        Raises: ValueError: on an unknown flag, a wrong value or a stray word.
        """
        if self.flags.is_parsed():
            self.flags.unparse_flags()
        self.argv = argv
        try:
            rest = self.flags(argv)[1:]
        except flags.Error as error:
            raise ValueError(f"{str(error).rstrip('.')}. See --help.") from error
        if rest:
            raise ValueError(
                f"Flags look like --name=value, see --help. Received: {' '.join(rest)}."
            )


def _usage_of(flag, text):
    """Returns the lines of help on one flag; if it has no default, `text` says what
    happens."""
    left = f"  --[no]{flag.name}" if flag.boolean else f"  --{flag.name}"
    if flag.default not in (None, []):
        text += f" [{flag.default_as_str.strip(chr(39))}]"
    indent = " " * 25
    lines = textwrap.wrap(text, 63)
    if len(left) > 24:
        return [left] + [indent + line for line in lines]
    return [f"{left:<24} {lines[0]}"] + [indent + line for line in lines[1:]]
