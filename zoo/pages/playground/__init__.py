"""A trained model to play with: what `experiments.playground` shows on its page.

    player = playground.Player("runs/vae-fashion_mnist")
    player.moved(player.start("seed", 7), [2.0, -1.0])   # along leading directions
    player.see(playground.read("shoe.png", player.rules))

All but `page`, `rooms`, `styling`, `translation` and `parts` works without Gradio.
"""

from zoo.pages.playground.player import Player, Seen
from zoo.pages.playground.uploads import drawn, read

__all__ = ["Player", "Seen", "drawn", "read"]
