"""Films as files: frames become a GIF, a WebP or an MP4, by the name's suffix.

All frames of a GIF share one palette, and no pixel borrows from its neighbours'
colours: so a pixel that stands still keeps its colour. Where each frame had a palette
of its own, every fifth of such pixels flickered, and the file was no smaller.
"""

import importlib.util
import pathlib

import numpy as np
from PIL import Image, ImageDraw, ImageFont, UnidentifiedImageError

from zoo.drawing import plots
from zoo.files.atomic import replaced
from zoo.inputs import memory, pixels

SIDE = 400  # pixels that the longer side of a frame has at least
STRIP, TEXT = 28, 16  # pixels: the height of the line of text, and of its letters
MOST_FPS = 50  # browsers show what should last less than 20 ms for 100 ms
MOST_COLOURS = 256
FORMATS = {".gif": "a .gif", ".webp": "a .webp", ".mp4": "a .mp4"}
QUALITY = {"webp": 90, "mp4": 18}  # of 100; the constant rate factor, less is better


# --- frames ---------------------------------------------------------------------------


def draw(images, texts=None, columns=8):
    """Returns the frames of a film, uint8 `[T, H, W, C]`: each a grid of N images on
    white, small ones enlarged, below a line of text.

    Args:
        images: `[T, N, h, w, C]`, float in [-1, 1] or uint8.
        texts: T lines; None for frames without one.
        columns: Images in a row.
    Raises: ValueError: if they do not fit into memory.
    """
    columns = min(columns, len(images[0]))
    grids = (plots.enlarged(pixels.grid(each, columns), SIDE) for each in images)
    first = next(grids)
    _require_memory(len(images), first)
    frames = [first, *grids]
    if texts is None:
        return np.stack(frames)
    return np.stack([_titled(*each) for each in zip(frames, texts, strict=True)])


def timed(frames, seconds, fps):
    """Returns `frames` `[T, H, W, C]` repeated, or left out, evenly, so that they last
    so many seconds; the last one stays."""
    count = max(1, round(seconds * fps))
    _require_memory(count, frames[0])
    which = np.arange(1, count + 1) * len(frames) / count
    return frames[np.ceil(which).astype(int) - 1]


def _titled(frame, text):
    """Returns a frame `[H, W, C]` below a line of text, dark on white."""
    strip = Image.new("L", (frame.shape[1], STRIP), 255)
    font, place = ImageFont.load_default(TEXT), (STRIP // 3, STRIP // 2)
    ImageDraw.Draw(strip).text(place, text, fill=32, font=font, anchor="lm")
    line = np.asarray(strip)[..., None].repeat(frame.shape[-1], axis=-1)
    return np.concatenate([line, frame])


def _require_memory(count, frame):
    way = "ask for fewer images, or for less time"
    memory.require(count * frame.nbytes, count, way, f"{count:,} frames take")


# --- files ----------------------------------------------------------------------------


def require_format(path):
    """Raises ValueError if no film can have the name `path`, and ImportError if it is
    an MP4 and the package that writes it is missing."""
    path = pathlib.Path(path)
    if path.suffix not in FORMATS:
        *others, last = FORMATS.values()
        raise ValueError(
            f"A film goes to {', '.join(others)} or {last}. Received: {path}."
        )
    if path.is_dir():
        raise ValueError(f"There is a folder of that name already. Received: {path}.")
    if path.suffix == ".mp4" and importlib.util.find_spec("av") is None:
        raise ImportError(
            "An MP4 needs the package av: `pip install '.[video]'` in the zoo's folder "
            f"installs it; a .gif or a .webp needs nothing. Received: {path}."
        )


def save(path, frames, fps=20, pause=0.0, colours=MOST_COLOURS):
    """Writes frames as a film that begins anew when it ends (an MP4's player decides).

    Args:
        path: `*.gif`, `*.webp` or `*.mp4`; the file appears complete or not at all.
        frames: uint8 `[T, H, W, C]`, C 1 or 3. An MP4 gets a white line on the right
            and below where a side is odd.
        fps: Frames a second, 1 to 50.
        pause: Seconds that the last frame stays longer.
        colours: Of a GIF, 2 to 256. Fewer make it smaller.
    Raises: ValueError, ImportError: as `require_format`, or if these are no frames.
    """
    path = pathlib.Path(path)
    require_format(path)
    _require_frames(frames, fps, colours)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replaced(path) as temporary:
        if path.suffix == ".mp4":
            _save_mp4(temporary, frames, fps, pause)
        elif path.suffix == ".webp":
            pictures = map(_picture, frames)
            options = {"quality": QUALITY["webp"], "method": 4}
            times = _milliseconds(len(frames), fps, pause, unit=1)
            _save_pictures(temporary, pictures, times, options)
        else:
            times = _milliseconds(len(frames), fps, pause, unit=10)
            _save_pictures(temporary, _few_colours(frames, colours), times, {})


def read(path, fps=20):
    """Returns the frames of a film, uint8 `[T, H, W, 3]`, so many a second. (Pillow
    writes equal frames of a GIF or a WebP as one that lasts longer.)

    Raises: ValueError, ImportError: as `require_format`, or if the file is damaged.
    """
    path = pathlib.Path(path)
    require_format(path)
    if path.suffix == ".mp4":
        return _read_mp4(path)
    try:
        with Image.open(path) as film:
            frames, times = [], []
            for number in range(film.n_frames):
                film.seek(number)
                frames.append(np.asarray(film.convert("RGB")))
                times.append(film.info.get("duration", 0))
    except (UnidentifiedImageError, EOFError, SyntaxError):
        raise _damaged(path) from None
    ends = np.rint(np.cumsum(times) * fps / 1000).astype(int)
    return np.stack(frames).repeat(np.diff(ends, prepend=0), axis=0)


def _require_frames(frames, fps, colours):
    frames = np.asarray(frames)
    shape = frames.shape
    if frames.dtype != np.uint8 or len(shape) != 4 or not frames.size:
        raise ValueError(
            "Frames are uint8 [T, H, W, C]. "
            f"Received: {frames.dtype} of shape {list(shape)}."
        )
    if shape[-1] not in (1, 3):
        raise ValueError(
            f"Frames have 1 channel or 3. Received: {shape[-1]} in {list(shape)}."
        )
    if not 1 <= fps <= MOST_FPS:
        raise ValueError(
            f"A film has 1 to {MOST_FPS} frames a second. Received: fps={fps}."
        )
    if not 2 <= colours <= MOST_COLOURS:
        raise ValueError(
            f"A GIF has 2 to {MOST_COLOURS} colours. Received: colours={colours}."
        )


def _damaged(path):
    return ValueError(f"The file is damaged. Received: {path}.")


# --- GIF and WebP, by Pillow ----------------------------------------------------------


def _save_pictures(file, pictures, times, options):
    first, *others = pictures
    first.save(
        file, save_all=True, append_images=others, duration=times, loop=0, **options
    )


def _milliseconds(count, fps, pause, unit):
    """Returns how long each of `count` frames stays, in multiples of `unit` ms (a GIF
    counts in tens) that do not drift from `fps`."""
    ends = np.rint(np.arange(1, count + 1) * (1000 / fps / unit))
    ends[-1] += round(1000 * pause / unit)
    return (np.diff(ends, prepend=0) * unit).astype(int).tolist()


def _picture(frame):
    return Image.fromarray(frame.squeeze(-1) if frame.shape[-1] == 1 else frame)


def _few_colours(frames, colours):
    """Yields frames as pictures of one palette; grey ones of so many equal steps."""
    if frames.shape[-1] == 1:
        steps = np.rint(np.arange(256) / 255 * (colours - 1)) * 255 / (colours - 1)
        levels = np.rint(steps).astype(np.uint8)
        yield from (_picture(levels[frame]) for frame in frames)
        return
    own = _own_codes(frames, colours)
    if own is not None:  # Pillow's search takes colours that are alike for the same
        palette = np.stack([own >> 16, own >> 8 & 255, own & 255], axis=1)
        for frame in frames:
            numbers = np.searchsorted(own, _codes(frame)).astype(np.uint8)
            yield _with_palette(Image.fromarray(numbers), palette)
        return
    palette = _with_palette(Image.new("L", (1, 1)), _palette(frames, colours))
    for frame in frames:
        # Dithering would scatter dots that are others in the next frame.
        yield _picture(frame).quantize(palette=palette, dither=Image.Dither.NONE)


def _with_palette(picture, palette):
    picture.putpalette(palette.astype(np.uint8).tobytes())
    return picture


def _codes(frame):
    """Returns the pixels of `[..., 3]` as one number each."""
    return frame.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)


def _own_codes(frames, most):
    """Returns the sorted numbers of all colours, or None if they are more than
    `most`."""
    own = np.zeros(0, np.uint32)
    for frame in frames:
        own = np.union1d(own, _codes(frame))
        if len(own) > most:
            return None
    return own


def _palette(frames, colours):
    """Returns colours `[K, 3]` of a sample of all pixels, with a true black and
    white."""
    # By the median, much white would leave few colours for what is rare, such as green.
    random, few = np.random.default_rng(0), frames[:: -(-len(frames) // 16)]
    sample = random.choice(few.reshape(-1, 3), 250 * 250)
    picture = Image.fromarray(sample.reshape(250, 250, 3))
    picture = picture.quantize(
        max(colours - 2, 1), Image.Quantize.MAXCOVERAGE, kmeans=2
    )
    ends = np.array([[0] * 3, [255] * 3])
    chosen = np.reshape(picture.getpalette(), (-1, 3))[: colours - 2]
    # Pillow's search would take what is nearly white for white.
    is_apart = [abs(each - ends).max(axis=1).min() >= 8 for each in chosen]
    return np.concatenate([chosen[np.array(is_apart, bool)], ends])


# --- MP4, by av -----------------------------------------------------------------------


def _save_mp4(file, frames, fps, pause):
    import av

    height, width = (side + side % 2 for side in frames.shape[1:3])
    with av.open(file, "w", options={"movflags": "faststart"}) as film:
        options = {"crf": str(QUALITY["mp4"])}
        stream = film.add_stream("libx264", rate=fps, options=options)
        # Half as many pixels of colour: what all players show, and why sides are even.
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(len(frames) + round(pause * fps)):
            picture = np.full((height, width, 3), 255, np.uint8)
            frame = frames[min(number, len(frames) - 1)]
            picture[: frame.shape[0], : frame.shape[1]] = frame
            film.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        film.mux(stream.encode())


def _read_mp4(path):
    import av

    try:
        with av.open(str(path)) as film:
            frames = [each.to_ndarray(format="rgb24") for each in film.decode(video=0)]
    except av.error.InvalidDataError:
        raise _damaged(path) from None
    return np.stack(frames)
