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

from zoo.data import arguments
from zoo.files import sums

Report = Callable[[str], None]  # takes a line that tells how far the work has come

LARGEST = 64 * 2**20  # bytes of a member
PATIENCE = 900  # seconds for one package
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

    @property
    def command(self) -> str:
        """What a user types to get the tarball."""
        return f"npm pack {self.name}@{self.version}"


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
        else:
            folder = pathlib.Path(origin).expanduser()
            if not folder.is_dir():
                raise FileNotFoundError(
                    "--from names a folder that holds the tarballs. "
                    f"Received: from={str(origin)!r}."
                )
        files = [pathlib.Path(folder) / package.file for package in packages]
        for package, file in zip(packages, files):
            if origin is None:
                report(
                    f"npm gets {package.name} {package.version}, {package.megabytes} MB"
                )
                _pack(package, folder)
            _check(package, file)
        yield files


def _pack(package, folder):
    """Has npm write the tarball of a package into a folder."""
    npm = shutil.which("npm")
    way_out = (
        f"or run `{package.command}` where there is one and give the folder of "
        f"{package.file} by --from=FOLDER"
    )
    if npm is None:
        raise FileNotFoundError(
            f"npm, which gets {package.name}, is not installed: install it "
            f"(apt-get install npm), {way_out}."
        )
    # A package's own scripts are never run; a network that is down is soon given up.
    words = [npm, *package.command.split()[1:], "--ignore-scripts", "--silent"]
    words += ["--fetch-retries=1", "--fetch-retry-mintimeout=2000", "--loglevel=error"]
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
        reason = f"{done.stdout} {done.stderr}" if done.returncode else ""
    except subprocess.TimeoutExpired:
        reason = f"it took more than {PATIENCE} seconds"
    except OSError as error:
        reason = f"it does not start: {error.strerror}"
    if reason:
        reason = " ".join(reason.split())[:300]
        raise ConnectionError(
            f"npm cannot get {package.name}@{package.version} ({reason}): look for "
            f"a network, {way_out}."
        )


def _check(package, file):
    """Raises an error unless the tarball of a package is there, and the pinned one."""
    if not file.is_file():
        raise FileNotFoundError(
            f"The folder lacks {package.file}, which `{package.command}` makes. "
            f"Received: {str(file.parent)!r}."
        )
    digest = sums.sha256(file)
    if digest != package.sha256:
        raise ValueError(
            f"{package.file} is not the pinned one, for it is cut off, damaged or of "
            f"another origin: get it anew by `{package.command}`. Its sha256 is to be "
            f"{package.sha256}. Received: {digest}."
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
                    contents[member.name] = tarball.extractfile(member).read()
    except _DAMAGE as error:
        raise ValueError(
            f"The tarball cannot be read ({error}): get it anew. "
            f"Received: {str(file)!r}."
        ) from None
    return contents
