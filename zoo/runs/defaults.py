"""What a run is like where nobody says: by the size of its set and of its images.

A step costs the same whatever the set, and a model learns by steps: in twenty epochs of
540 pictures a GAN takes eighty of them and shows grey squares. So small sets are gone
through more often, in smaller batches.
"""

import math

from zoo.core import registry

# Digits are what the zoo is tried with first: pictures within two minutes.
EPOCHS = {"digits": 60}
BATCH_SIZE = {"digits": 64}
FEWEST_EPOCHS = 20
FEW = 10_000  # images: below, a discriminator soon knows them by heart
STEPS = 3000  # of training, at least
MOST_PIXELS = 32  # a side that a U-Net sees: each doubling makes a step 4 times longer
PICTURES = 60  # grids of samples, about, of a whole run
# What models had by default in earlier versions: a run that began with it keeps it.
FORMER = {
    "vaegan": {"latent_dim": 128, "loss": "minimax"},
    "vaegan_hybrid": {"latent_dim": 128, "loss": "minimax"},
}
FORMER_RATES = {"vaegan": 3e-4, "vaegan_hybrid": 3e-4}


def batch_size(name, num_images):
    """Returns the images of a batch of a set, by its name and size."""
    if name in BATCH_SIZE:
        return BATCH_SIZE[name]
    if num_images >= FEW:
        return 128
    # A power of two, which replicas can share, and at most the whole set.
    whole = 2 ** int(math.log2(max(num_images, 1)))
    return 64 if num_images >= 1000 else min(32, whole)


def epochs(name, num_images, batch):
    """Returns the epochs of a run that has no other end."""
    if name in EPOCHS:
        return EPOCHS[name]
    return max(FEWEST_EPOCHS, math.ceil(STEPS * batch / max(num_images, 1)))


def image_every(epochs):
    """Returns the epochs from one grid of samples to the next."""
    return max(1, (epochs or 0) // PICTURES)


def config(known, name, num_images, image_shape):
    """Returns the settings of a model that a set asks for, {setting: value}.

    Args:
        known: {setting: default} of the model.
        name, num_images: Of the set.
        image_shape: (H, W, C), or (T, H, W, C) of clips.
    Source: DiffAugment for sets of hundreds to thousands of images, Zhao et al. 2020,
        arXiv:2006.10738.
    """
    chosen = {}
    if "diff_augment" in known and num_images < FEW and name not in EPOCHS:
        chosen["diff_augment"] = True
    if "patch" in known:
        times = 2 ** max(0, math.ceil(math.log2(max(image_shape[-3:-1]) / MOST_PIXELS)))
        if times > 1:
            chosen["patch"] = times * known["patch"]
    return chosen


def former(model, stored):
    """Returns the settings of a stored run that were the model's default when it began,
    {setting: value}."""
    kept = FORMER.get(model, {})
    return {k: v for k, v in kept.items() if stored["config"].get(k) == v}


def since(stored):
    """Returns the config of a stored run with the settings that its model has got since
    it began, which are then at their defaults."""
    known = registry.parameters(registry.find(stored["model"])).items()
    usual = {key: default for key, (_, default) in known}
    usual = {key: list(v) if isinstance(v, tuple) else v for key, v in usual.items()}
    return usual | stored["config"]


def former_rates(model, stored):
    """Returns {network: learning rate}, as `former` does for settings."""
    rates = stored["learning_rate"] if model in FORMER_RATES else {}
    return {n: rate for n, rate in rates.items() if rate == FORMER_RATES[model]}


def sentence(settings, num_images):
    """Returns what a small set makes of a run, or None for a set that is not small."""
    if num_images >= FEW or settings.dataset in EPOCHS:
        return None
    words = [f"--batch_size={settings.batch_size}", f"--epochs={settings.epochs}"]
    is_former = settings.config.get("augment") == "none"
    for name in ("diff_augment" if is_former else "augment", "patch"):
        if name in settings.config:
            words.append(f"--set={name}={settings.config[name]}")
    return f"a small set: {' '.join(words)}; say otherwise by these flags"
