"""TensorBoard files of a run, written without TensorFlow.

Training and validation are two runs of TensorBoard with equal tags, so that it draws
their curves over each other.
"""

import contextlib
import os
import platform
import time

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary

# TensorBoard's EventFileWriter would import TensorFlow for the file system, and would
# report a full disk by an error of TensorFlow's from a thread.
from tensorboard.summary.writer.record_writer import RecordWriter

from zoo.inputs import pixels

# Each doubling of the epochs adds about so many entries: the files of a long run stay
# small, and TensorBoard shows 1000 values and 10 pictures of a tag anyway.
SCALARS, PICTURES = 1000, 20


def is_logged(epoch, dense):
    """Whether an epoch is logged: all before 2 * `dense`, then every second one, from
    4 * `dense` on every fourth, and so on."""
    return epoch % (1 << max(0, (epoch // dense).bit_length() - 1)) == 0


class Logs:
    """Scalars and pictures of one run by epoch; the later, the fewer epochs are logged.

    Args:
        folder: Where the files go; made with the first value.
        epoch: Finished epochs; entries of later ones in older files are hidden.
    """

    def __init__(self, folder, epoch):
        self.folder = folder
        self.first = epoch + 1
        self.writers = {}

    def scalars(self, epoch, values):
        """Writes {term: value}; "val_<term>" goes to the validation run as <term>."""
        if not is_logged(epoch, SCALARS):
            return
        for name, value in values.items():
            run = "validation" if name.startswith("val_") else "train"
            tag = name.removeprefix("val_")
            self._write(run, epoch, Summary.Value(tag=tag, simple_value=value))

    def picture(self, epoch, tag, picture):
        """Writes a uint8 picture `[H, W, C]`."""
        if not is_logged(epoch, PICTURES):
            return
        height, width, channels = picture.shape
        image = Summary.Image(
            height=height,
            width=width,
            colorspace=channels,
            encoded_image_string=pixels.png(picture),
        )
        self._write("train", epoch, Summary.Value(tag=tag, image=image))

    def flush(self):
        """Makes what was written visible to TensorBoard.

        Raises: OSError: if the disk is full, say; so do the other methods.
        """
        with self._named_errors():
            for writer in self.writers.values():
                writer.flush()

    def close(self):
        with self._named_errors():
            for writer in self.writers.values():
                writer.close()

    def _write(self, run, epoch, value):
        with self._named_errors():
            if run not in self.writers:
                self.writers[run] = self._opened(run)
                self._event(
                    run, self.first, session_log=SessionLog(status=SessionLog.START)
                )
            self._event(run, epoch, summary=Summary(value=[value]))

    def _opened(self, run):
        folder = self.folder / run
        folder.mkdir(parents=True, exist_ok=True)
        # TensorBoard reads a folder's files by name, so the time comes first.
        name = f"events.out.tfevents.{time.time():.0f}.{platform.node()}.{os.getpid()}"
        writer = RecordWriter(open(folder / name, "ab"))  # noqa: SIM115
        version = Event(wall_time=time.time(), file_version="brain.Event:2")
        writer.write(version.SerializeToString())
        return writer

    def _event(self, run, epoch, **content):
        event = Event(step=epoch, wall_time=time.time(), **content)
        self.writers[run].write(event.SerializeToString())

    @contextlib.contextmanager
    def _named_errors(self):
        """Has an error of the disk name the folder."""
        try:
            yield
        except OSError as error:
            error.filename = error.filename or str(self.folder)
            raise
