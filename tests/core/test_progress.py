"""Tests what long work shows on a terminal, and that it is silent elsewhere."""

import numpy as np
import tiny

from zoo import evaluation


def test_the_bound_of_many_images_shows_a_bar_on_a_terminal(trained, request):
    model, images = trained("vae").model, tiny.images(3)
    silent = model.nll(images, k=2, batch_size=2)
    terminal = request.getfixturevalue("terminal")
    np.testing.assert_array_equal(model.nll(images, k=2, batch_size=2), silent)
    assert "/3 " in terminal.getvalue()
    # The bar is wiped out at the end.
    assert terminal.getvalue().rsplit("\r", 2)[1].isspace()


def test_the_bound_is_silent_elsewhere(trained, capfd):
    trained("vae").model.nll(tiny.images(3), k=2)
    assert capfd.readouterr() == ("", "")


def test_a_stage_names_itself_again_after_a_bar_took_its_line(terminal):
    with evaluation.Stages(terminal).stage("sampling"):
        terminal.write("\r          \r")
    assert terminal.getvalue().rsplit("\r", 1)[1].startswith("sampling ... 0.")
