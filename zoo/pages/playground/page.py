"""The page of `experiments.playground`, by Gradio: its rooms, and how it is served.

Gradio is silent where `zoo.commands.confined` was before it.
"""

import contextlib

import gradio as gr
from PIL import Image
from starlette.middleware import Middleware  # comes with Gradio

from zoo.pages.playground import rooms, uploads
from zoo.serving.server import guard

KEPT = 3600  # seconds that an uploaded file or a picture is kept
FONTS = "system-ui", "sans-serif"  # of the reader's machine, none of another host
CSS = """
.gradio-container { max-width: 1100px !important; width: 100%; margin: auto; }
.picture img { image-rendering: pixelated; padding-top: 2rem; }
@media (max-width: 640px) {  /* the picture stays in sight of the sliders below it */
  .in-sight { order: -1; position: sticky; top: 0; z-index: 5; }
  .in-sight img { max-height: 40vh; }
}
"""


@contextlib.contextmanager
def serving(players, host, port):
    """Yields the address at which the page of the `Player`s is served, and stops it
    afterwards. On an address of this machine, it answers this machine alone.

    Raises: OSError: if the port is taken.
    """
    # What Gradio itself opens, the layers of a drawing, is limited likewise.
    Image.MAX_IMAGE_PIXELS = uploads.MOST_PIXELS
    page = built(players)
    page.queue(max_size=32)
    own = [Middleware(guard.OwnMachine, host=host)] if guard.is_loopback(host) else []
    try:
        _, address, _ = page.launch(
            server_name=host,
            server_port=port,
            max_file_size=uploads.LARGEST,
            theme=gr.themes.Default(font=FONTS, font_mono=("monospace",)),
            css=CSS,
            footer_links=[],
            share=False,
            ssr_mode=False,
            run_history=False,
            enable_monitoring=False,
            prevent_thread_lock=True,
            quiet=True,
            app_kwargs={"middleware": own},
        )
        yield address
    finally:
        page.close()


def built(players):
    """Returns the page, a tab a `Player`."""
    options = {"analytics_enabled": False, "delete_cache": (KEPT // 6, KEPT)}
    with gr.Blocks(title="zoo playground", **options) as page:
        gr.Markdown("# zoo playground")
        if len(players) == 1:
            _model(players[0])
        else:
            with gr.Tabs():
                for player in players:
                    with gr.Tab(player.name):
                        _model(player)
    return page


def _model(player):
    """All that one model can do, a tab each."""
    gr.Markdown(player.about + (f"\n\n{player.note}" if player.note else ""))
    with gr.Tabs():
        for room in player.rooms:
            with gr.Tab(room.title):
                gr.Markdown(room.about)
                getattr(rooms, room.name)(player)
