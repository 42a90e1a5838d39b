"""Models on a hub: `hf://USER/REPO`, through huggingface_hub where it is installed.

What is fetched is one `.keras` file, of which `zoo.load` reads names and numbers alone;
no code of a repository runs.
"""

import os
import pathlib
import re

PREFIX = "hf://"
FILE = "model.keras"
# hf://USER/REPO, then perhaps @REVISION and /FILE.keras
NAME = re.compile(
    r"hf://(?P<repo>\w[\w.-]*/\w[\w.-]*)(@(?P<revision>[\w.-]+))?"
    r"(/(?P<file>[\w./-]+\.keras))?"
)


def is_name(path: object) -> bool:
    """Whether `path` is the name of a model on a hub, not of a file."""
    return str(path).startswith(PREFIX)


def require(name: str) -> None:
    """Raises ValueError unless `name` is "hf://USER/REPO", and ImportError without
    huggingface_hub."""
    match = _match(name)
    if match["revision"] or match["file"]:
        raise ValueError(f"A model is sent to hf://USER/REPO. Received: {name}.")
    _library()


def fetch(name: str) -> pathlib.Path:
    """Returns the file of a model on a hub, which is fetched if it is not at hand.

    Args:
        name: "hf://USER/REPO", its model.keras; "hf://USER/REPO@REVISION/FILE.keras".
    Raises: ValueError: for another name. ImportError: without huggingface_hub. OSError:
        if the hub has no such file, or does not answer.
    """
    match = _match(name)
    if ".." in (match["file"] or ""):
        raise ValueError(_wrong(name))
    huggingface_hub = _library()
    try:
        path = huggingface_hub.hf_hub_download(
            match["repo"],
            match["file"] or FILE,
            revision=match["revision"],
            endpoint=os.environ.get("HF_ENDPOINT"),
        )
    except Exception as error:  # of several libraries
        raise OSError(_failed("gives no such file", error, name)) from None
    return pathlib.Path(path)


def send(folder: str | os.PathLike, name: str) -> str:
    """Uploads the files of a folder to "hf://USER/REPO", which is made if need be;
    returns the address of the change.

    Raises: as `fetch`; OSError: if the hub refuses, e.g. without a token.
    """
    require(name)
    repo, huggingface_hub = _match(name)["repo"], _library()
    api = huggingface_hub.HfApi(endpoint=os.environ.get("HF_ENDPOINT"))
    try:
        api.create_repo(repo, exist_ok=True)
        message = "A model of the zoo"
        change = api.upload_folder(
            repo_id=repo, folder_path=str(folder), commit_message=message
        )
    except Exception as error:  # of several libraries
        raise OSError(_failed("takes no files", error, name)) from None
    return str(getattr(change, "commit_url", change))


def _match(name):
    match = NAME.fullmatch(str(name))
    if match is None:
        raise ValueError(_wrong(name))
    return match


def _wrong(name):
    return (
        "A model on a hub is hf://USER/REPO, or hf://USER/REPO@REVISION/FILE.keras. "
        f"Received: {name}."
    )


def _failed(what, error, name):
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return f"The hub {what} ({reason.rstrip('.')}). Received: {name}."


def _library():
    try:
        import huggingface_hub
    except ImportError:
        raise ImportError(
            "Models on a hub need a package more: pip install 'huggingface_hub>=1'."
        ) from None
    return huggingface_hub
