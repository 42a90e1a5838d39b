"""TensorBoard files of a run, written without TensorFlow.

Training and validation are two runs of TensorBoard with equal tags, so that it draws
their curves over each other.
"""

import os
import time

# TensorBoard imports all of TensorFlow for its file system unless told not to.
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from zoo import plots

# Of each doubling of the epochs at least so many are told of: the files of a long run
# stay small, and TensorBoard shows 1000 values and 10 pictures of a tag anyway.
SCALARS, PICTURES = 1000, 20


def is_told(epoch, dense):
    """Whether an epoch is told of: all before 2 * `dense`, then every second one, from
    4 * `dense` on every fourth, and so on."""
    return epoch % (1 << max(0, (epoch // dense).bit_length() - 1)) == 0


class Logs:
    """Scalars and pictures of one run, by epoch; of many epochs, of fewer and fewer.

    Args:
        folder: Where the files go; made with the first value.
        epoch: Finished epochs; what older files tell of later ones is hidden.
    """

    def __init__(self, folder, epoch):
        self.folder = folder
        self.first = epoch + 1
        self.writers = {}

    def scalars(self, epoch, values):
        """Writes {term: value}; "val_<term>" goes to the validation run as <term>."""
        if not is_told(epoch, SCALARS):
            return
        for name, value in values.items():
            run = "validation" if name.startswith("val_") else "train"
            tag = name.removeprefix("val_")
            self._write(run, epoch, Summary.Value(tag=tag, simple_value=value))

    def picture(self, epoch, tag, picture):
        """Writes a uint8 picture `[H, W, C]`."""
        if not is_told(epoch, PICTURES):
            return
        height, width, channels = picture.shape
        image = Summary.Image(
            height=height,
            width=width,
            colorspace=channels,
            encoded_image_string=plots.png(picture),
        )
        self._write("train", epoch, Summary.Value(tag=tag, image=image))

    def flush(self):
        """Makes what was written visible to TensorBoard."""
        for writer in self.writers.values():
            writer.flush()

    def close(self):
        for writer in self.writers.values():
            writer.close()

    def _write(self, run, epoch, value):
        if run not in self.writers:
            self.writers[run] = EventFileWriter(os.fspath(self.folder / run))
            start = SessionLog(status=SessionLog.START)
            self._event(run, self.first, session_log=start)
        self._event(run, epoch, summary=Summary(value=[value]))

    def _event(self, run, epoch, **content):
        event = Event(step=epoch, wall_time=time.time(), **content)
        self.writers[run].add_event(event)
