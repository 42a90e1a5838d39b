"""The judge: the classifier that says what is on images of a data set."""

import dataclasses

from zoo import data
from zoo.pretrained import features as presets


@dataclasses.dataclass(frozen=True)
class Judge:
    """A classifier of all classes of a data set.

    Attributes:
        extractor: A `zoo.pretrained.features.Extractor`.
        names: Of the classes, in the order of its probabilities.
    """

    extractor: object
    names: tuple

    def tell(self, images):
        """Returns the name of each image's likeliest class, N texts, and its
        probability, float64 `[N]`."""
        p = self.extractor.probabilities(images)
        return [self.names[k] for k in p.argmax(axis=1)], p.max(axis=1)


def find(subject, say=print):
    """Returns the `Judge` of the data set of a `Subject`, or None if the set has no
    labels of two classes. The judge knows all classes, the subject perhaps only a few.

    Args:
        say: Takes a line when something takes long: a set for which the zoo ships no
            classifier gets one trained, once.
    """
    where = subject.whole
    names = data.info(subject.dataset, **where).class_names
    if names is None or len(names) < 2:
        return None
    return Judge(presets.extractor(subject.dataset, **where, say=say), names)
