"""The scores of a preset, measured by the protocol that its card names."""

from zoo import data, evaluation, metrics
from zoo.evaluation.subject import Subject

ABSOLUTE, RELATIVE = 0.01, 0.02  # by which scores of other machines may differ


def measure(preset, model, progress=None):
    """Returns the `Evaluation` of the weights of a `Preset`.

    Args:
        model: As `building.build` makes it of the preset.
        progress: `Stages`; by default silent.
    Raises: ValueError: if this zoo measures by another protocol.
    """
    protocol = metrics.Protocol.from_plain(preset.protocol)
    where = {"classes": protocol.classes, "image_size": protocol.image_size}
    where |= {"data_dir": None} | protocol.options
    info = data.info(protocol.dataset, **where)
    target = Subject(
        model, preset.archive, preset.path, protocol.dataset, where, info, ()
    )
    options = evaluation.Options(**preset.details["options"])
    scores = evaluation.measure(target, options, progress or evaluation.Stages())
    scores.protocol.require_same(protocol)
    return scores


def differences(preset, scores):
    """Returns sentences on the scores that are not those of the preset's card."""
    texts = []
    for name, told in preset.scores.items():
        now = scores.get(name)
        if told is None and now is None:
            continue
        if None in (told, now) or abs(now - told) > ABSOLUTE + RELATIVE * abs(told):
            texts.append(f"{name} is {now} and {told} on the card")
    return texts
