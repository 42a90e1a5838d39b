"""How a score was measured: without it a score is a number without a unit."""

import dataclasses
import re

ENOUGH = 2000  # images: below, Frechet distances are mostly bias

NO_FEATURES = "none"  # the extractor of what is compared pixel by pixel

# Raised when a metric gives another number for the same images.
VERSION = 2


@dataclasses.dataclass(frozen=True)
class Protocol:
    """What has to agree before two scores are compared, and the code that measured.

    Attributes:
        dataset, classes, image_size: The real images; None for all classes (or else
            their names), and as stored. `options`: {name: value} of the data set's
            options that were chosen, such as its background.
        split: Split of the real images.
        num_real, num_generated: Images of both sets.
        extractor: Name of what makes the features; `sha256`: of its weights.
        second, second_sha256: The same of the features whose scores stand beside, or
            None.
        seed: Of samples, subsets and noise.
        version: Of the metrics, `VERSION`.
        code: Version of the zoo and its git commit; may differ.
    """

    dataset: str
    classes: tuple | None
    image_size: int | None
    split: str
    num_real: int
    num_generated: int
    extractor: str
    sha256: str
    seed: int
    code: str
    version: int = VERSION
    second: str | None = None
    second_sha256: str | None = None
    options: dict = dataclasses.field(default_factory=dict)

    def warnings(self):
        """Sentences on what weakens every score of this protocol."""
        fewest = min(self.num_real, self.num_generated)
        if fewest >= ENOUGH or self.extractor == NO_FEATURES:
            return []
        return [
            f"only {fewest} images: below {ENOUGH:,}, distances are mostly bias; "
            "compare them with the floor, not across data sets"
        ]

    def differences(self, other, but=("code",)):
        """What differs from `other`, as texts; the fields `but` may."""
        texts = []
        for field in dataclasses.fields(self):
            here, there = getattr(self, field.name), getattr(other, field.name)
            if field.name not in but and here != there:
                texts.append(f"{field.name} is {here} here and {there} there")
        return texts

    def require_same(self, other, but=("code",)):
        """Raises ValueError, with the differences, if scores must not be compared; the
        fields `but` may differ."""
        differences = self.differences(other, but)
        if differences:
            raise ValueError(
                "Scores of different protocols are not compared: "
                f"{'; '.join(differences)}. Measure both the same way."
            )

    def plain(self):
        """The protocol as JSON takes it."""
        classes = None if self.classes is None else list(self.classes)
        return dataclasses.asdict(self) | {"classes": classes}

    @classmethod
    def from_plain(cls, values):
        """The protocol that `plain` gave; ValueError if it is of another version."""
        fields = dataclasses.fields(cls)
        names = {field.name for field in fields}
        required = {f.name for f in fields if f.default is dataclasses.MISSING}
        # Records of older versions have no options: none could be chosen.
        required = required - {"options"} | {"version"}
        if not isinstance(values, dict) or not required <= set(values) <= names:
            raise ValueError(
                "The scores come without a protocol that this version knows. "
                f"Received: {values!r}."
            )
        classes = values["classes"]
        return cls(**values | {"classes": classes and tuple(classes)})


def codes(protocols):
    """The codes that measured, each once and `short`, as a text."""
    return ", ".join(dict.fromkeys(short(protocol.code) for protocol in protocols))


def short(code):
    """A code with its commit by the first 12 digits."""
    return re.sub(r"\b([0-9a-f]{12})[0-9a-f]{28}\b", r"\1", code)
