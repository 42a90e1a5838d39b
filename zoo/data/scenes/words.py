"""What a scene shows, in words: from a scene to captions and back."""

import dataclasses
import re

from zoo.inputs import suggestions

SHAPES = ("circle", "square", "triangle", "star", "heart", "cross")
COLOURS = {  # {word: RGB, 0..255}
    "red": (220, 40, 40),
    "orange": (245, 135, 30),
    "yellow": (245, 210, 40),
    "green": (40, 160, 70),
    "blue": (45, 85, 220),
    "purple": (140, 60, 185),
}
SIZES = ("small", "big")
SYNONYMS = {"little": "small", "large": "big"}
OPPOSITES = {"left": "right", "right": "left", "above": "below", "below": "above"}
RELATIONS = tuple(OPPOSITES)

# The phrasings. `a` and `b` are things, `side` is where a is as seen from b.
_ALONE = ("a {a}", "a picture of a {a}", "there is one {a}", "a {a.other}")
_BESIDE = {
    True: (
        "a {a} {side} of a {b}",
        "a {a} to the {side} of a {b}",
        "a {b} {opposite} of a {a}",
        "a {b} with a {a} to its {side}",
        "a {a.other} on the {side} of a {b.other}",
    ),
    False: (
        "a {a} {side} a {b}",
        "there is a {a} {side} a {b}",
        "a {b} {opposite} a {a}",
        "a {b} with a {a} {side} it",
        "a {a.other} {side} a {b.other}",
    ),
}
_THING = re.compile(
    rf"\b({'|'.join((*SIZES, *SYNONYMS))}) ({'|'.join(COLOURS)}) ({'|'.join(SHAPES)})\b"
)
_SIDE = rf"(?:(?:to |on )?(?:the |its )?({'|'.join(RELATIONS)})(?: of| it)?)"
_WORD = re.compile(r"[a-z]+")
_GLUE = ("a", "picture", "of", "there", "is", "one", "with", "to", "on", "the", "its")
VOCABULARY = (*SIZES, *SYNONYMS, *COLOURS, *SHAPES, *RELATIONS, *_GLUE, "it")


@dataclasses.dataclass(frozen=True)
class Thing:
    """A shape of a scene, by its words."""

    size: str
    colour: str
    shape: str

    def __str__(self):
        return f"{self.size} {self.colour} {self.shape}"

    @property
    def other(self) -> str:
        """The same in another word for the size."""
        word = next(word for word, size in SYNONYMS.items() if size == self.size)
        return f"{word} {self.colour} {self.shape}"


@dataclasses.dataclass(frozen=True)
class Scene:
    """One thing, or two and where the first is as seen from the second."""

    things: tuple[Thing, ...]
    side: str | None = None

    def captions(self) -> tuple[str, ...]:
        """Returns the scene in several phrasings."""
        if self.side is None:
            return tuple(text.format(a=self.things[0]) for text in _ALONE)
        a, b = self.things
        words = {"a": a, "b": b, "side": self.side, "opposite": OPPOSITES[self.side]}
        phrasings = _BESIDE[self.side in ("left", "right")]
        return tuple(text.format(**words) for text in phrasings)


def parse(caption: str) -> Scene:
    """Returns the scene that a caption tells of: any of the phrasings above, and what
    is like them.

    Raises: ValueError: if it is no caption of such a scene.
    """
    text = " ".join(_WORD.findall(caption.lower())) if isinstance(caption, str) else ""
    matches = list(_THING.finditer(text))
    things = []
    for match in matches:
        size, colour, shape = match.groups()
        things.append(Thing(SYNONYMS.get(size, size), colour, shape))
    if len(things) == 1 and not re.search(_SIDE, _THING.sub("", text)):
        return Scene(tuple(things))
    if len(things) == 2:
        between = text[matches[0].end() : matches[1].start()].strip()
        after = text[matches[1].end() :].strip()
        first = re.fullmatch(rf"(?:is )?{_SIDE} (?:a|the)", between)
        if first and not after:
            return Scene(tuple(things), first[1])
        second = re.fullmatch(_SIDE, after)
        if second and between == "with a":
            return Scene(tuple(things[::-1]), second[1])
    raise ValueError(_refusal(caption, text))


def _refusal(caption, text):
    """The sentence for a caption that tells of no scene."""
    strange = next((w for w in text.split() if w not in VOCABULARY), None)
    near = suggestions.nearest(strange, VOCABULARY) if strange else ""
    unknown = f" {strange!r} is no word of theirs{near}." if strange else ""
    return (
        "A caption of a scene is like 'a small red circle' or 'a small red circle left "
        f"of a big blue square'; colours are {', '.join(COLOURS)}; shapes are "
        f"{', '.join(SHAPES)}.{unknown} Received: {caption!r:.300}."
    )
