"""Has tfds build a data set once: from files at hand, or by download, or not at all."""

import contextlib
import os
import pathlib
import re
import socket
import struct
import sys
import tempfile
import threading
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING

from zoo.data import arguments
from zoo.data.sources import idx
from zoo.inputs import suggestions

if TYPE_CHECKING:
    import tensorflow_datasets as tfds

DEBIAN = pathlib.Path("/usr/share/datasets/fashion-mnist")
# Where the sets that everyone tries come from: enough to tell that there is no network
# before tfds and TensorFlow have taken their seconds to import.
ORIGINS = {
    "fashion_mnist": "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
    "mnist": "https://storage.googleapis.com",
    "cifar10": "https://www.cs.toronto.edu",
}
_NAME = re.compile(r"[a-z0-9_]+(/[\w.-]+)?(:[\d.*]+)?")
# Modification times inside the headers of the original .gz files.
_TIMES = {"train": 1504176606, "test": 1504176627}


def home(data_dir: arguments.Place) -> pathlib.Path:
    """Where built sets live: `data_dir`, else $ZOO_DATA_DIR, else tfds' own default."""
    chosen = data_dir or os.environ.get("ZOO_DATA_DIR")
    chosen = chosen or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    return pathlib.Path(chosen).expanduser()


def manual(name: str, data_dir: arguments.Place) -> pathlib.Path:
    """Where a user puts the original files of one data set.

    A folder for each set, since MNIST and Fashion-MNIST share their files' names.
    """
    return home(data_dir) / "downloads" / "manual" / _base(name)


def at_hand(name: str, data_dir: arguments.Place) -> pathlib.Path | None:
    """The folder that holds the idx files of MNIST or Fashion-MNIST, or None."""
    if name not in idx.CLASS_NAMES:
        return None
    folders = [manual(name, data_dir)] + [DEBIAN] * (name == "fashion_mnist")
    return next((folder for folder in folders if idx.complete(folder)), None)


def require_name(name: str, data_dir: arguments.Place) -> None:
    """Raises ValueError if tfds does not know the name of a data set; TensorFlow is not
    imported. Without tfds nothing is told."""
    if name == "digits" or name in ORIGINS or _touched(name, data_dir):
        return
    try:
        known = _NAME.fullmatch(name) and _base(name) in _builders()
    except ImportError:
        return
    if not known:
        raise _unknown(name)


def builder(name: str, data_dir: arguments.Place) -> "tfds.core.DatasetBuilder":
    """Returns the tfds builder of a data set, which may not be built yet.

    Raises:
        ValueError: if tfds does not know the name.
        FileNotFoundError: if it is plain that the set is not built and cannot be.
    """
    if not _NAME.fullmatch(name):
        raise _unknown(name)
    known = name in ORIGINS and not at_hand(name, data_dir)
    if known and not _touched(name, data_dir):
        _require_network(name, data_dir, [ORIGINS[name]])
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        if _on_disk(name):
            raise _unknown(name) from None
        raise ImportError(
            "This data set is read by tensorflow-datasets, with TensorFlow: `pip "
            "install tensorflow tensorflow-datasets importlib_resources`. digits, "
            "folder:PATH, npz:PATH, records:PATH and MNIST's own files do without. "
            f"Received: {name!r}."
        ) from error
    try:
        return tfds.builder(name, data_dir=home(data_dir))
    except tfds.core.DatasetNotFoundError:
        raise _unknown(name) from None
    except (ValueError, AssertionError) as error:
        first = str(error).strip().splitlines()[0]
        raise ValueError(
            f"tfds refuses the name: {first} Received: {name!r}."
        ) from None


def _base(name: str) -> str:
    """Returns a tfds name without its config and version."""
    return re.split("[/:]", name)[0]


def _touched(name: str, data_dir: arguments.Place) -> bool:
    """Whether tfds may have built the set, or its files were put in place by hand."""
    built = (home(data_dir) / _base(name)).glob("**/dataset_info.json")
    return any(built) or manual(name, data_dir).is_dir()


def _unknown(name: str) -> ValueError:
    """The error for a name that nobody knows, with the nearest one that is known."""
    # Here, for the sources include those of this file.
    from zoo.data import sources

    known = sources.names()
    _, _, place = name.partition(":")
    of_paths = [f"{kind}:{place}" for kind in sources.BY_PATH if place]
    near = _on_disk(name)
    if not near:
        by_name = [each for each in known if not each.endswith(":PATH")]
        near = suggestions.nearest(name, [*by_name, *of_paths, *_builders()])
    return ValueError(
        f"Unknown data set{near}; known are {', '.join(known)} and the other image "
        f"sets of tfds. Received: {name!r}."
    )


def _builders() -> list[str]:
    """The names of the sets that tfds knows."""
    import tensorflow_datasets as tfds

    return tfds.list_builders(with_community_datasets=False)


def _on_disk(name: str) -> str:
    """` (did you mean 'folder:x'?)` if `name` is that of a folder or an .npz file."""
    path = pathlib.Path(name).expanduser()
    if name and path.is_dir():
        kind = "records" if (path / "records.json").is_file() else "folder"
    elif path.suffix == ".npz" and path.is_file():
        kind = "npz"
    else:
        return ""
    return f" (did you mean {f'{kind}:{name}'!r}?)"


def build(
    tfds_set: "tfds.core.DatasetBuilder", name: str, data_dir: arguments.Place
) -> None:
    """Builds the set of a builder, unless it is built, from files at hand if it can.

    Raises:
        ValueError: if the files are damaged.
        FileNotFoundError: if they must be downloaded and there is no network.
    """
    if tfds_set.is_prepared():
        return
    import tensorflow_datasets as tfds

    if not sys.stderr.isatty():
        tfds.disable_progress_bar()
    with (
        _files(tfds_set, name, data_dir) as config,
        contextlib.redirect_stdout(sys.stderr),
    ):
        try:
            tfds_set.download_and_prepare(**config)
        except (OSError, MemoryError):
            raise
        except Exception as error:  # tfds raises bare Exceptions for a bad checksum
            first = str(error).strip().splitlines()[0]
            raise ValueError(
                f"tfds could not build the data set: {first} Received: {name!r}."
            ) from error
        finally:
            # tfds clears away what it could not finish, but for the folder around it.
            with contextlib.suppress(OSError):
                (home(data_dir) / _base(name)).rmdir()


@contextlib.contextmanager
def _files(tfds_set, name: str, data_dir):
    """Yields the arguments of `download_and_prepare`: the files, or the way to them."""
    import tensorflow_datasets as tfds

    folder = manual(name, data_dir)
    needed = [info.filename for info in tfds_set.url_infos.values()]
    complete = all(file and (folder / file).is_file() for file in needed or [None])
    debian = name == "fashion_mnist" and not complete and idx.complete(DEBIAN)
    if not complete and not debian:
        _require_network(name, data_dir, list(tfds_set.url_infos))
        yield {}
        return
    home(data_dir).mkdir(parents=True, exist_ok=True)
    # tfds unpacks the files beside its downloads: here into a folder that goes away.
    with tempfile.TemporaryDirectory(dir=home(data_dir), prefix="build-") as scratch:
        if debian:
            folder = pathlib.Path(scratch, "manual")
            restore_headers(DEBIAN, folder)
        config = tfds.download.DownloadConfig(manual_dir=folder)
        yield {"download_dir": scratch, "download_config": config}


def restore_headers(stripped: pathlib.Path, folder: pathlib.Path) -> None:
    """Writes the idx files as their authors published them, byte for byte.

    Debian strips name and time from the gzip headers; with them put back, the files
    pass the checksums that tfds knows.
    """
    folder.mkdir()
    for part, files in idx.FILES.items():
        for file in files:
            content = (stripped / file).read_bytes()
            plain = file.removesuffix(".gz").encode() + b"\0"
            # RFC 1952: byte 3 holds the flags (8: a name follows), 4 to 7 the time.
            header = content[:3] + b"\x08" + struct.pack("<I", _TIMES[part])
            whole = header + content[8:10] + plain + content[10:]
            (folder / file).write_bytes(whole)


def _require_network(name: str, data_dir, urls: list[str]) -> None:
    """Raises FileNotFoundError at once if a download could not even begin.

    tfds itself would try for more than three minutes before it says so.
    """
    if not urls or reachable(urls[0]):
        return
    files = "its original files"
    if name in idx.CLASS_NAMES:
        files = " and ".join(", ".join(pair) for pair in idx.FILES.values())
    debian = "install Debian's dataset-fashion-mnist, "
    raise FileNotFoundError(
        f"{name} is not built in {home(data_dir)} and, without a network, cannot be "
        f"downloaded: connect once, {debian if name == 'fashion_mnist' else ''}"
        f"put {files} into {manual(name, data_dir)}, point --data_dir or ZOO_DATA_DIR "
        "to a folder where tfds has built it, or take digits, folder:PATH or npz:PATH, "
        f"which need no network. Received: {name!r}."
    )


def reachable(url: str, seconds: float = 1.5) -> bool:
    """Whether the server of `url`, or the proxy before it, accepts a connection."""
    parts = urllib.parse.urlsplit(url)
    proxy = None
    if not urllib.request.proxy_bypass(parts.hostname or ""):
        proxy = urllib.request.getproxies().get(parts.scheme)
    parts = urllib.parse.urlsplit(proxy) if proxy else parts
    port = parts.port or {"http": 80, "ftp": 21}.get(parts.scheme, 443)
    answers = []

    def connect():
        with contextlib.suppress(OSError):
            socket.create_connection((parts.hostname, port), seconds).close()
            answers.append(True)

    # In a thread, because looking up the host's name knows no timeout.
    attempt = threading.Thread(target=connect, daemon=True)
    attempt.start()
    attempt.join(seconds)
    return bool(answers)
