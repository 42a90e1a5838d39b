"""The five chapters: each a tuple `CLAIMS`, with the experiments that settle them."""

from zoo.pages.tour.chapters import ae_vae, cnn, game, together, vae_gan

# {key of the chapter's texts: its claims}, in the order of the page
CHAPTERS = {
    module.__name__.rpartition(".")[2]: module.CLAIMS
    for module in (cnn, ae_vae, vae_gan, game, together)
}
