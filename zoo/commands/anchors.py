"""Published figures beside the zoo's own, each with its protocol: for orientation only.

A figure of another extractor, split or likelihood is another quantity; it never stands
in a column of the zoo's scores.
"""

INCEPTION = "Inception FID, 10,000 samples against 10,000 test images, best of a search"
LUCIC = f"{INCEPTION} (Lucic et al. 2018, arXiv:1711.10337)"
DAI = f"{INCEPTION} (Dai and Wipf 2019, arXiv:1903.05789)"

# {(model, data set): (figure, protocol)}
ANCHORS = {
    ("classifier", "fashion_mnist"): (
        "small CNNs 92.5 to 93.9 %, ResNet18 94.9 %",
        "accuracy on the 10,000 test images, as listed by the data set's authors",
    ),
    ("ae", "fashion_mnist"): (
        "PCA's squared error, in its own column",
        "the same test images and numbers an image, measured here",
    ),
    ("vae", "fashion_mnist"): (
        "228.70 nats (MLP), 227.35 (VampPrior)",
        "dynamically binarised, 5,000 importance samples (second-hand)",
    ),
    ("gan", "fashion_mnist"): ("FID 26.5 (NS), 29.6 (MM), VAE 43.6", LUCIC),
    ("wgan", "fashion_mnist"): ("FID 21.5 (WGAN), 24.5 (WGAN-GP)", LUCIC),
    ("vaegan", "fashion_mnist"): (
        "FID 42.8, its VAE 53.0",
        "Inception FID on CelebA at 64x64: another data set",
    ),
    ("bigan", "fashion_mnist"): (
        "1-NN accuracy 97.35 %, untrained 96.84 %",
        "permutation-invariant MNIST (Donahue et al. 2016): another data set",
    ),
    ("ddpm", "fashion_mnist"): (
        "FID 3.17, about 12 without the average",
        "Inception FID on CIFAR-10 (Ho et al. 2020): another data set",
    ),
}
