"""Pusher: the blessed model's folder comes whole into TF Serving's folder, or not at all.

TFX's Pusher copies file by file into the folder that TF Serving watches, and its cache never looks
there again. This one copies beside and renames; and its driver looks at what the model was pushed
to before, so that a push that was deleted or damaged since is made again. That is the driver's
work, not the runner's: TFX's cache decides whether to execute from what the driver adds to the
parameters, lineage and the record of the run stay true, and every runner of this pipeline has it.
"""

import json
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ml_metadata.proto import metadata_store_pb2
from tfx import types
from tfx.components.pusher import component, executor
from tfx.dsl.components.base import base_driver, executor_spec
from tfx.orchestration import metadata
from tfx.orchestration.portable import base_driver as portable_driver
from tfx.orchestration.portable.data_types import ExecutionInfo
from tfx.proto import pusher_pb2
from tfx.proto.orchestration import driver_output_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import proto_utils

from lungct.readers.checksums import sha256_of
from schema.files import PUSHED_FILE
from schema.outputs import PUSHED_DESTINATION
from schema.run_parameters import wants_push

# TF Serving takes folders for versions whose names are numbers.
UNFINISHED: Final = ".partial-"
MODEL_URI: Final = "model_uri"
LOST_PUSHES: Final = "lost_pushes"


def list_files(folder: Path) -> dict[str, str]:
    """Lists the files of a folder.

    Args:
        folder: Where to look, at any depth.

    Returns:
        The SHA-256 of each file by its path below the folder.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256_of(str(path)) for path in paths}


def damaged_files(folder: Path, expected: Mapping[str, str]) -> list[str]:
    """Names the files of a pushed model that are not there or not as they were.

    Args:
        folder: The pushed model.
        expected: The SHA-256 of each file by its path below the folder.

    Returns:
        Paths below the folder; empty where the push is whole.
    """
    return [
        name
        for name, checksum in expected.items()
        if not (folder / name).is_file() or sha256_of(str(folder / name)) != checksum
    ]


def push_model(model: Path, base: Path) -> Path:
    """Copies a model into TF Serving's folder under a new version, whole or not at all.

    Where the newest version is this very model, as after a push whose run was killed before it
    could say so, nothing is copied. What killed pushes left is removed; only one run at a time
    may use the folder.

    Args:
        model: The model's folder.
        base: The folder that TF Serving watches; made where it is not there.

    Returns:
        The folder of the version.

    Raises:
        FileNotFoundError: If the model has no files.
        OSError: If it can't be copied; nothing is left then.
    """
    files = list_files(model)
    if not files:
        raise FileNotFoundError(f"expected a model to push, got no files in {model}")
    base.mkdir(parents=True, exist_ok=True)
    for left in base.glob(f"{UNFINISHED}*"):
        shutil.rmtree(left)
    newest = max((int(path.name) for path in base.iterdir() if path.name.isdecimal()), default=0)
    if not damaged_files(base / str(newest), files):
        return base / str(newest)
    version = str(max(int(time.time()), newest + 1))
    unfinished = base / f"{UNFINISHED}{version}"
    try:
        shutil.copytree(model, unfinished)
        damaged = damaged_files(unfinished, files)
        if damaged:
            raise OSError(f"expected a whole copy of {model}, got {damaged} missing or damaged")
        return unfinished.rename(base / version)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def pushed_files(pushed_model_uri: str) -> dict[str, str]:
    """Reads what was pushed, as the executor recorded it in its artifact.

    Args:
        pushed_model_uri: Folder of the PushedModel artifact.

    Returns:
        The SHA-256 of each file by its path below the destination.
    """
    text = Path(pushed_model_uri, PUSHED_FILE).read_text(encoding="utf-8")
    content: dict[str, str] = json.loads(text)
    return content


class Executor(executor.Executor):
    """Pushes a blessed model, and records which files it consists of."""

    def Do(  # noqa: N802
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Pushes where the model is blessed.

        Args:
            input_dict: `model` and `model_blessing`.
            output_dict: `pushed_model`.
            exec_properties: `push_destination`, a folder of this machine, and perhaps `push`.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        pushed = artifact_utils.get_single_instance(output_dict["pushed_model"])
        if not wants_push(exec_properties) or not self.CheckBlessing(input_dict):
            self._MarkNotPushed(pushed)
            return
        place = push_model(Path(self.GetModelPath(input_dict)), _base(exec_properties))
        os.makedirs(pushed.uri, exist_ok=True)
        record = json.dumps(list_files(place), indent=2)
        Path(pushed.uri, PUSHED_FILE).write_text(record, encoding="utf-8")
        model = artifact_utils.get_single_instance(input_dict["model"])
        pushed.set_string_custom_property(MODEL_URI, model.uri)
        self._MarkPushed(pushed, pushed_destination=str(place), pushed_version=place.name)


class Driver(base_driver.BaseDriver, portable_driver.BaseDriver):
    """Tells TFX's cache which pushes of the model are no longer whole."""

    def __init__(self, metadata_handle: metadata.Metadata) -> None:
        """Holds the metadata.

        Args:
            metadata_handle: Where earlier pushes are recorded.
        """
        base_driver.BaseDriver.__init__(self, metadata_handle)
        portable_driver.BaseDriver.__init__(self, metadata_handle)

    def run(self, execution_info: ExecutionInfo) -> driver_output_pb2.DriverOutput:
        """Adds the lost pushes to the parameters.

        While they stay the same, an execution that was made after their loss is found in the cache,
        and its own push is whole: else it would be among them.

        Args:
            execution_info: What is about to run.

        Returns:
            The parameter `lost_pushes`: numbers of their artifacts as JSON, in order.
        """
        model = artifact_utils.get_single_instance(execution_info.input_dict["model"])
        base = _base(execution_info.exec_properties)
        with self._mlmd_connection as handle:
            pushes = handle.store.get_artifacts_by_type(standard_artifacts.PushedModel.TYPE_NAME)
        # By number, as a later push within the same second can have the name of a lost one.
        lost = {
            int(push.id)
            for push in pushes
            if _property(push, MODEL_URI) == model.uri and _is_lost(push, base)
        }
        result = driver_output_pb2.DriverOutput()
        result.exec_properties[LOST_PUSHES].string_value = json.dumps(sorted(lost))
        return result


def _is_lost(push: metadata_store_pb2.Artifact, base: Path) -> bool:
    place = Path(_property(push, PUSHED_DESTINATION))
    if place.parent != base:
        return False
    try:
        return bool(damaged_files(place, pushed_files(push.uri)))
    except FileNotFoundError:
        return True


def _property(artifact: metadata_store_pb2.Artifact, name: str) -> str:
    return str(artifact.custom_properties[name].string_value)


def _base(exec_properties: Mapping[str, Any]) -> Path:
    destination = pusher_pb2.PushDestination()
    proto_utils.json_to_proto(exec_properties["push_destination"], destination)
    return Path(destination.filesystem.base_directory)


class Pusher(component.Pusher):
    """TFX's Pusher to a folder, whose pushes are whole or not there."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
    DRIVER_CLASS = Driver
