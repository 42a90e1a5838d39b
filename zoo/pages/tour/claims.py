"""Claims, the findings on them, and verdicts as functions of the numbers alone."""

import collections.abc
import dataclasses

HOLDS, PARTLY, NOT, MISSING = "holds", "partly", "not", "missing"
CLOSE = 0.05  # share of a threshold; of numbers that are nearer, the seed decides
RELATIONS = {">=": "≥", "<=": "≤"}


@dataclasses.dataclass(frozen=True)
class Criterion:
    """What a number has to be if the claim is true.

    Attributes:
        number: Key of the number, such as "gan.sharpness".
        relation: ">=" or "<=".
        limit: The threshold, or the key of another number.
    """

    number: str
    relation: str
    limit: float | str

    def threshold(self, numbers):
        """The limit as a number."""
        return numbers[self.limit] if isinstance(self.limit, str) else self.limit

    def is_met(self, numbers):
        """Whether `numbers`, {key: float}, meet it; NaN never does."""
        value, limit = numbers[self.number], self.threshold(numbers)
        return value >= limit if self.relation == ">=" else value <= limit

    def is_close(self, numbers):
        """Whether another seed could turn it round: the threshold is measured, too, and
        nearer than the share `CLOSE` of it."""
        value, limit = numbers[self.number], self.threshold(numbers)
        return isinstance(self.limit, str) and abs(value - limit) < CLOSE * abs(limit)


def verdict(criteria, numbers):
    """Returns `HOLDS` if all criteria are met, `PARTLY` if some are, `NOT` if none."""
    met = [criterion.is_met(numbers) for criterion in criteria]
    return HOLDS if all(met) else PARTLY if any(met) else NOT


@dataclasses.dataclass(frozen=True)
class Figure:
    """A picture of a claim.

    Attributes:
        key: Of its caption among the texts.
        picture: A `zoo.pages.tour.drawing.Chart` or `Grid`.
        role: The model that it shows, if the caption names one.
        wide: Whether it stands above the others, over the whole width.
    """

    key: str
    picture: object
    role: str | None = None
    wide: bool = False


@dataclasses.dataclass(frozen=True)
class Findings:
    """What an experiment has found out.

    Attributes:
        numbers: {key: float}; a key is "metric" or "role.metric".
        figures: `Figure`s, in order.
        width: How those that are not wide stand, as `zoo.pages.gallery` takes it.
        legend: `zoo.pages.Html` on their colours, if they need one.
    """

    numbers: dict
    figures: tuple = ()
    width: str = "large"
    legend: str | None = None


@dataclasses.dataclass(frozen=True)
class Claim:
    """A sentence of the articles that images can settle.

    Attributes:
        key: Of its texts.
        source: Numbers of the articles' claims, such as ("A3", "B4").
        needs: Roles of the models that the experiment looks at.
        criteria: `Criterion`s; the verdict follows from them alone.
        look: The experiment: a function of the `Studio` that returns `Findings`.
    """

    key: str
    source: tuple
    needs: tuple
    criteria: tuple
    look: collections.abc.Callable


@dataclasses.dataclass(frozen=True)
class Result:
    """A claim and what became of it.

    Attributes:
        claim: The `Claim`.
        findings: `Findings`, or None if the experiment could not be made. Then
            `lacking` are the roles that are not trained, and `reason` is what the
            experiment itself lacks, a sentence or None.
    """

    claim: Claim
    findings: Findings | None
    lacking: tuple = ()
    reason: str | None = None

    @property
    def verdict(self):
        if self.findings is None:
            return MISSING
        return verdict(self.claim.criteria, self.findings.numbers)
