"""The rooms of the page: which there are, and what a model needs for each."""

from typing import NamedTuple

# A latent to start from: its kind, and what gives it. "data": the data set of the run.
AVERAGE, SEED, TEST = "average", "seed", "test image"
STARTS = {SEED: ("sample", "decode"), TEST: ("encode", "decode", "data")}

KEPT = 3600  # seconds that an uploaded file or a picture is kept


class Room(NamedTuple):
    """A room of the page, a tab.

    Attributes:
        name: Of its function in `zoo.pages.playground.rooms`.
        title: Of the tab.
        about: A sentence on what it is.
        needs: Ways to have it, each a tuple as `Player.can` takes it; one is enough.
        makes: What a model of this room makes, "image" or "clip".
    """

    name: str
    title: str
    about: str
    needs: tuple
    makes: str = "image"


ROOMS = (
    Room(
        "sample",
        "Sample",
        "The model makes new images out of random numbers. The same seed makes the "
        "same image again.",
        (("sample",),),
    ),
    Room(
        "steer",
        "Directions",
        "Every image has a latent, a few numbers that the model draws it from. Each "
        "slider moves the latent along a direction in which images differ most.",
        tuple(STARTS.values()),
    ),
    Room(
        "see",
        "Your image",
        "This is what the model makes of a picture: yours, a drawing, or an image of "
        "its data set.",
        (("encode",), ("classify",)),
    ),
    Room(
        "translate",
        "Another picture",
        "The model turns one picture into another: a drawing, a small or a grey one "
        "into an image of the kind that it learned.",
        (("translate",),),
    ),
    Room(
        "between",
        "Between two",
        "The latent goes from that of one image to that of another, and the model "
        "draws what lies on the way.",
        (*STARTS.values(), ("reconstruct",)),
    ),
    Room(
        "denoise",
        "Step by step",
        "The model begins with noise and removes a part of it in each step. The slider "
        "shows how far it is.",
        (("sample", "trajectory"),),
    ),
    Room(
        "look",
        "Words",
        "While a picture comes into being, each place of it looks at the words of the "
        "prompt. Bright is where it looked at a word most.",
        (("look", "prompts"),),
    ),
    Room(
        "mix",
        "Styles",
        "An image has a style a level, from coarse to fine. A mixture has the coarse "
        "ones of the first image in its row, the fine ones of the first in its column.",
        (("mix",),),
    ),
    Room(
        "project",
        "Projection",
        "The model searches for the styles whose image is most like a picture.",
        (("project",),),
    ),
    Room(
        "foretell",
        "Frames to come",
        "The model is shown how a film begins, and goes on with it. Each seed is "
        "another way on, where what comes is not certain.",
        (("predict_frames", "data"),),
        "clip",
    ),
    Room(
        "films",
        "New films",
        "The model makes new films out of random numbers. The same seed makes the same "
        "film again.",
        (("sample",),),
        "clip",
    ),
    Room(
        "amid",
        "Frames between",
        "The model is shown two frames of a film, and draws those between them.",
        (("between", "data"),),
        "clip",
    ),
)
