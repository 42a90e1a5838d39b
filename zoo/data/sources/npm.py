"""Packages of npm that hold pictures: got at a pinned version, checked, and read.

Nothing is unpacked to disk: of a tarball, the members that are wanted are read into
memory, so no name within it can lead out of a folder.
"""

import contextlib
import dataclasses
import pathlib
import shutil
import subprocess
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from zoo.data import arguments
from zoo.files import sums

Report = Callable[[str], None]  # takes a line that tells how far the work has come

LARGEST = 64 * 2**20  # bytes of a member
PATIENCE = 900  # seconds for one package
MOST_WORDS = 150  # characters of what npm says when it fails
_DAMAGE = (tarfile.TarError, EOFError, OSError, zlib.error)


@dataclasses.dataclass(frozen=True)
class Package:
    """A package of npm.

    Attributes:
        name, version: As npm calls it.
        sha256: Of its tarball, in hexadecimal digits.
        megabytes: Size of the tarball.
    """

    name: str
    version: str
    sha256: str
    megabytes: int

    @property
    def file(self) -> str:
        """The name that `npm pack` gives to the tarball."""
        stem = self.name.removeprefix("@").replace("/", "-")
        return f"{stem}-{self.version}.tgz"


@contextlib.contextmanager
def tarballs(
    packages: Sequence[Package], origin: arguments.Place, report: Report
) -> Iterator[list[pathlib.Path]]:
    """Yields the checked tarballs of packages, which may be gone after the context.

    Args:
        packages: In the order of the tarballs.
        origin: A folder that holds them, or None to have npm get them.
        report: Is told what is being got.
    Raises: FileNotFoundError, ConnectionError, ValueError: a tarball that cannot be
        got, or is not the one that is pinned, with the way out.
    """
    with contextlib.ExitStack() as stack:
        if origin is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="zoo-npm-"))
            _get(packages, folder, report)
        else:
            folder = pathlib.Path(origin).expanduser()
            _require_files(packages, folder)
        files = [pathlib.Path(folder) / package.file for package in packages]
        for package, file in zip(packages, files):
            _check(package, file)
        yield files


def _require_files(packages, folder):
    """Raises FileNotFoundError unless a folder holds the tarballs."""
    if not folder.is_dir():
        raise FileNotFoundError(
            "--from names a folder that holds the tarballs of npm. "
            f"Received: from={str(folder)!r}."
        )
    lacking = [each for each in packages if not (folder / each.file).is_file()]
    if lacking:
        names = ", ".join(package.file for package in lacking)
        raise FileNotFoundError(
            f"The folder lacks {names}: `{_command(lacking)}` makes what is lacking. "
            f"Received: from={str(folder)!r}."
        )


def _command(packages):
    """What a user types to get the tarballs of packages."""
    return " ".join(["npm pack", *(f"{p.name}@{p.version}" for p in packages)])


def _get(packages, folder, report):
    """Has npm write the tarballs of packages into a folder."""
    npm = shutil.which("npm")
    way_out = (
        f"or run `{_command(packages)}` where there is one, and name the folder of the "
        "tarballs by --from=FOLDER"
    )
    if npm is None:
        raise FileNotFoundError(
            "npm, which gets the packages, is not installed: install it (apt-get "
            f"install npm), {way_out}."
        )
    for package in packages:
        what = f"{package.name} {package.version}"
        report(f"npm gets {what}, {package.megabytes} MB")
        reason = _packed(npm, package, folder)
        if reason:
            raise ConnectionError(
                f"npm cannot get {what} ({reason}): look for a network, {way_out}."
            )


def _packed(npm, package, folder):
    """Has npm write one tarball; returns why it could not, or ""."""
    # A package's own scripts are not run; a network that is down is soon given up.
    words = [npm, "pack", f"{package.name}@{package.version}", "--ignore-scripts"]
    words += ["--loglevel=error", "--fetch-timeout=60000"]
    words += ["--fetch-retries=1", "--fetch-retry-mintimeout=2000"]
    try:
        done = subprocess.run(
            words,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        return f"it took more than {PATIENCE} seconds"
    except OSError as error:
        return f"it does not start: {error.strerror}"
    if not done.returncode:
        return ""
    text = " ".join(done.stderr.replace("npm error", " ").split())
    return text[:MOST_WORDS] or f"it ended with code {done.returncode}"


def _check(package, file):
    """Raises ValueError unless the tarball of a package is the pinned one."""
    digest = sums.sha256(file) if file.is_file() else "no file"
    if digest != package.sha256:
        raise ValueError(
            f"{package.file} is not the pinned one, for it is cut off, damaged or of "
            f"another origin: get it anew by `{_command([package])}`. Its sha256 is to "
            f"be {package.sha256}. Received: {digest}."
        )


def members(file: pathlib.Path, is_wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """Returns `{name: content}` of the regular members of a tarball that are wanted.

    Raises: ValueError: if the tarball is damaged, or a member is too large.
    """
    contents = {}
    try:
        with tarfile.open(file, "r:gz") as tarball:
            for member in tarball:
                if member.isreg() and is_wanted(member.name):
                    if member.size > LARGEST:
                        raise ValueError(
                            f"A file in a package has at most {LARGEST:,} bytes. "
                            f"Received: {member.size:,} of {member.name!r}."
                        )
                    content: Any = tarball.extractfile(member)  # of a regular one
                    contents[member.name] = content.read()
    except _DAMAGE as error:
        raise ValueError(
            f"The tarball cannot be read ({error}): get it anew. "
            f"Received: {str(file)!r}."
        ) from None
    return contents
