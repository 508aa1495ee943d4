"""The record of the blessed models of one pipeline: a small file for each, beside its artifacts.

Where components are containers they can't ask TFX's metadata, and a query to Vertex AI's finds the
models of every pipeline of the project. This record is of one pipeline, and any container reads it.
"""

import datetime
import hashlib
import json
import os

from tfx.dsl.io import fileio

from components.whole_files import write_whole

_ENDING = ".json"


def record_blessed(folder: str, model_uri: str) -> None:
    """Records that a model was blessed, once: judged again, it stays where it was in the order.

    Args:
        folder: That of the pipeline's record, local or in a bucket; made where it is not there.
        model_uri: Folder of the Model artifact.

    Raises:
        OSError: It can't be written.
    """
    name = hashlib.sha256(model_uri.encode()).hexdigest()[:32]
    path = os.path.join(folder, f"{name}{_ENDING}")
    if fileio.exists(path):
        return
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="microseconds")
    write_whole(path, json.dumps({"model": model_uri, "blessed": now}).encode())


def read_blessed(folder: str) -> list[str]:
    """Reads which models were blessed.

    Args:
        folder: That of the pipeline's record.

    Returns:
        The folder of each Model artifact, that of the one blessed last first; empty where there is
        no record.

    Raises:
        ValueError: A file is no record.
    """
    if not fileio.exists(folder):
        return []
    found = []
    for name in fileio.listdir(folder):
        if name.endswith(_ENDING):
            found.append(_read(os.path.join(folder, name)))
    return [model for _, model in sorted(found, reverse=True)]


def _read(path: str) -> tuple[str, str]:
    """When a model was blessed, and its folder."""
    with fileio.open(path, "r") as file:
        text = file.read()
    try:
        content = json.loads(text)
        return str(content["blessed"]), str(content["model"])
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"expected a blessed model in {path}, got {text[:100]!r}") from None
