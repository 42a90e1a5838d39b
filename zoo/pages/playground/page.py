"""The page of `experiments.playground`, by Gradio: its rooms, and how it is served.

Gradio is silent where `zoo.commands.confined` was before it.
"""

import contextlib
import html

import gradio as gr
from PIL import Image
from starlette.middleware import Middleware  # comes with Gradio

from zoo.pages.playground import clips, parts, rooms, styling, translation, uploads
from zoo.pages.playground.plan import KEPT
from zoo.serving.server import guard

STORED = "Stored with the model, not drawn now"
FILES = {  # of rooms that do not lie in `rooms`
    "translate": translation,
    "mix": styling,
    "project": styling,
    "foretell": clips,
    "films": clips,
    "amid": clips,
}
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
def serving(page, host, port):
    """Yields the address at which a `page` is served, and stops it afterwards. On an
    address of this machine, it answers this machine alone.

    Raises: OSError: if the port is taken.
    """
    # What Gradio itself opens, the layers of a drawing, is limited likewise.
    Image.MAX_IMAGE_PIXELS = uploads.MOST_PIXELS
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
        with parts.ONE_AT_A_TIME:  # who still computes ends before the process does
            pass


def of_players(players):
    """Returns the page of `Player`s, a tab each."""
    with _blocks() as page:
        if len(players) == 1:
            _model(players[0])
        else:
            with gr.Tabs():
                for player in players:
                    with gr.Tab(player.name):
                        _model(player)
    return page


def of_shelf(subjects):
    """Returns the page of all `shelf.Subject`s: the picture that is stored with each,
    and the rooms of the one that is chosen, whose model is read then."""
    by_name = {subject.name: subject for subject in subjects}
    first = subjects[0]
    with _blocks() as page:
        with gr.Row():
            with gr.Column(scale=1):
                choice = gr.Radio(list(by_name), value=first.name, label="Model")
                about = gr.Markdown(first.about)
            with gr.Column(scale=1):
                stored = _stored(first)

        def tell(name):
            subject = by_name[name]
            return subject.about, _stored(subject)

        choice.change(tell, choice, [about, stored], queue=False)

        @gr.render(inputs=choice, triggers=[page.load, choice.change])
        def live(name):
            try:
                with parts.ONE_AT_A_TIME:
                    player = by_name[name].player
                    _model(player)
            except (ValueError, OSError) as error:
                gr.Markdown(
                    f"Nothing can be played with here: {html.escape(str(error))}"
                )

    return page


def _stored(subject):
    """The picture that is stored with a `Subject`, if there is one. It is opened here:
    Gradio reads no file of another folder."""
    value = None if subject.sheet is None else Image.open(subject.sheet)
    return parts.picture(STORED, value, visible=value is not None)


@contextlib.contextmanager
def _blocks():
    """Yields the page, with its title."""
    options = {"analytics_enabled": False, "delete_cache": (KEPT // 6, KEPT)}
    with gr.Blocks(title="zoo playground", **options) as page:
        gr.Markdown("# zoo playground")
        yield page


def _model(player):
    """All that one model can do, a tab each."""
    gr.Markdown(player.about + (f"\n\n{player.note}" if player.note else ""))
    with gr.Tabs(selected=player.rooms[0].name):
        for room in player.rooms:
            with gr.Tab(room.title, id=room.name):
                gr.Markdown(room.about)
                getattr(FILES.get(room.name, rooms), room.name)(player)
