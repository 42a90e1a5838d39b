"""Measures finished runs on Fashion-MNIST's 10,000 test images against the targets."""

import pathlib
import sys

import experiments

VERB = experiments.Verb(
    "verify", __doc__.strip(), "python -m experiments.verify --models=classifier,ae"
)
VERB.group("What")
VERB.define("list", "models", ["all"], "Runs to measure, by model.")
VERB.define("string", "runs", "runs", "Folder of the runs, MODEL-fashion_mnist.")
VERB.define("integer", "k", 1000, "Importance samples an image for the VAE's bound.")
VERB.define("integer", "seed", 0, "Of binarisation, importance samples and images.")

DATASET = "fashion_mnist"


def classifier(test):
    """Top-1 accuracy."""
    images, labels = test
    accuracy = float((load("classifier").predict(images).argmax(-1) == labels).mean())
    yield accuracy >= 0.94, f"classifier: accuracy {accuracy:.2%}, target 94.0 %"


def ae(test):
    """Squared error beside that of PCA with as many components."""
    from sklearn.decomposition import PCA

    from zoo import data

    model = load("ae")
    train = data.arrays(DATASET, "train")[0].reshape(-1, 784) / 255.0
    x = test[0].reshape(-1, 784) / 255.0
    pca = PCA(model.latent_dim, random_state=0).fit(train)
    linear = ((pca.inverse_transform(pca.transform(x)) - x) ** 2).mean()
    x_rec = (model.reconstruct(test[0]).reshape(-1, 784) + 1) / 2
    error = ((x_rec - x) ** 2).mean()
    yield (
        error <= 0.45 * linear,
        f"ae: squared error {error:.5f}, {error / linear:.3f} times PCA's {linear:.5f} "
        f"({model.latent_dim} numbers an image, pixels in [0, 1]), target 0.45",
    )


def vae(test):
    """Importance-sampled bound of -log p(x) on one binarisation."""
    k, seed = VERB.flags.k, VERB.flags.seed
    nats = load("vae").nll(test[0], k=k, seed=seed)
    error = nats.std() / len(nats) ** 0.5
    yield (
        nats.mean() <= 228.7,
        f"vae: {nats.mean():.2f} nats (k={k}, {len(nats)} images, standard error "
        f"{error:.2f}), target 228.7",
    )


def gan(test):
    """Share of each class among samples, as the zoo's classifier judges them."""
    import numpy as np

    samples = load("gan").sample(2000, seed=VERB.flags.seed)
    judged = load("classifier").predict(samples).argmax(-1)
    share = np.bincount(judged, minlength=10) / len(judged)
    yield (
        share.min() >= 0.03,
        f"gan: rarest class {share.min():.1%} of 2,000 samples, target 3 % "
        f"({' '.join(f'{part:.1%}' for part in share)})",
    )


def vaegan(test):
    """Distance of reconstructions in the classifier's features, beside the VAE's."""
    import numpy as np

    judge = load("classifier")
    features = judge.features(test[0])
    distance = {
        name: np.linalg.norm(
            judge.features(load(name).reconstruct(test[0])) - features, axis=-1
        ).mean()
        for name in ("vaegan", "vae")
    }
    yield (
        distance["vaegan"] < distance["vae"],
        f"vaegan: reconstructions {distance['vaegan']:.3f} from their images in the "
        f"classifier's features, target less than the vae's {distance['vae']:.3f}",
    )


MEASURES = {f.__name__: f for f in (classifier, ae, vae, gan, vaegan)}


def load(name):
    import zoo

    return zoo.load(pathlib.Path(VERB.flags.runs) / f"{name}-{DATASET}")


def main():
    # TensorFlow takes seconds to import: --help and a wrong flag need not wait.
    import zoo

    wanted = VERB.flags.models
    wanted = list(MEASURES) if wanted == ["all"] else wanted
    for name in wanted:
        if name not in MEASURES:
            raise ValueError(
                f"There is no target for such a model; there is one for "
                f"{', '.join(MEASURES)}. Received: {name!r}."
            )
    test = zoo.data.arrays(DATASET, "test")
    missed = 0
    for name in wanted:
        for met, line in MEASURES[name](test):
            missed += not met
            print(f"{'met   ' if met else 'MISSED'}  {line}", flush=True)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(experiments.start(VERB, main))
