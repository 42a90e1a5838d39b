"""The room of the page where a model turns one picture into another."""

import gradio as gr

from zoo.pages.playground import parts, pictures, uploads
from zoo.pages.playground.rooms import file_field


def translate(player):
    translator = player.translator
    has_tests = translator.has_sources and player.can("data")
    fields = {}
    with gr.Row():
        with gr.Column(scale=1):
            with gr.Tabs(selected="file"):
                with gr.Tab("Upload", id="file"):
                    fields["file"], fields["inverted"] = file_field(player.rules)
                    fields["made"] = gr.Checkbox(
                        translator.has_sources,
                        label="Make a source of it",
                        visible=translator.has_sources,
                    )
                with gr.Tab("Draw", id="drawing"):
                    height, width = player.model.image_shape[:2]
                    fields["canvas"] = parts.canvas(width, height, translator.sheet)
                    show = gr.Button("Translate the drawing", variant="primary")
                with gr.Tab("Test image", id="test", visible=has_tests):
                    number = parts.whole(0, "Its number")
                    take = gr.Button("Translate it", variant="primary")
            fields["seed"] = parts.whole(0, "Seed of the answer")
            fields["back"] = gr.Checkbox(
                label="Go back from images", visible=translator.has_back
            )
        with gr.Column(scale=2), gr.Row():
            labels = "Source", "Answer", "Truth"
            panels = zip(labels, _sheets(translator.first), strict=True)
            outputs = [parts.picture(*panel, min_width=180) for panel in panels]
    upload, drawing, look = _events(player, outputs)
    how = [fields["seed"], fields["back"]]
    events = [fields[name].change for name in ("file", "inverted", "made", "back")]
    upload_inputs = [fields[name] for name in ("file", "inverted", "made")]
    gr.on(events, upload, [*upload_inputs, *how], outputs)
    show.click(drawing, [fields["canvas"], *how], outputs)
    gr.on([take.click, number.submit], look, [number, *how], outputs)


def _events(player, outputs):
    """What an upload, a drawing and the number of a test image call."""
    translator = player.translator

    @parts.answer(outputs)
    def upload(path, inverted, made, seed, back):
        if path is None:
            return [None] * len(outputs)

        def read(is_source):
            return uploads.read(path, translator.rules(is_source), inverted)

        return _sheets(translator.translated(read, made, seed, back))

    @parts.answer(outputs)
    def drawing(layers, seed, back):
        if layers["composite"] is None:
            raise ValueError("Nothing is drawn yet.")

        def read(is_source):
            shape = translator.shape(is_source)
            return uploads.drawn(layers["composite"], shape, translator.sheet)

        return _sheets(translator.translated(read, False, seed, back))

    @parts.answer(outputs)
    def look(number, seed, back):
        (image,) = player.space.test_images([number])
        return _sheets(translator.of_image(image, seed, back))

    return upload, drawing, look


def _sheets(translated):
    """The pictures of a `Translated`; None stands for a truth that nobody knows."""
    images = translated.source, translated.answer, translated.truth
    return [None if image is None else pictures.sheet(image[None]) for image in images]
