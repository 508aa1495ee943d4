"""ModelImport: brings a pushed model into the pipeline, whole and as it was when looked at."""

import json
import shutil
from pathlib import Path
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.utils import path_utils

from components.pusher import damaged_files, list_files

MODEL_KEY = "model"


class ModelImportSpec(ComponentSpec):
    """Outputs and parameters of ModelImport."""

    PARAMETERS = {
        "folder": ExecutionParameter(type=str),
        "files": ExecutionParameter(type=str),
        "code_hash": ExecutionParameter(type=str),
    }
    INPUTS: dict[str, Any] = {}
    OUTPUTS = {MODEL_KEY: ChannelParameter(type=standard_artifacts.Model)}


class Executor(base_executor.BaseExecutor):
    """Copies the model to where the other components look for it."""

    def Do(  # noqa: N802
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Copies the model.

        Args:
            input_dict: Empty.
            output_dict: `model`.
            exec_properties: `folder`, and `files`: the SHA-256 of each file as JSON.

        Raises:
            OSError: The files are not those that were looked at, or can't be copied.
        """
        del input_dict
        folder = artifact_utils.get_single_uri(output_dict[MODEL_KEY])
        place = Path(path_utils.serving_model_dir(folder))
        shutil.copytree(exec_properties["folder"], place, dirs_exist_ok=True)
        damaged = damaged_files(place, json.loads(exec_properties["files"]))
        if damaged:
            raise OSError(
                f"expected the files of the model as they were, got {damaged} missing or changed "
                f"in {exec_properties['folder']}"
            )


class ModelImport(base_component.BaseComponent):
    """A pushed model as a Model artifact."""

    SPEC_CLASS = ModelImportSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, folder: str, code_hash: str) -> None:
        """Wires the import.

        Args:
            folder: That of `saved_model.pb`, on this machine.
            code_hash: Hash of the code that copies, for the cache.

        Raises:
            FileNotFoundError: There are no files.
        """
        files = list_files(Path(folder))
        if not files:
            raise FileNotFoundError(f"expected a model, got no files in {folder}")
        spec = ModelImportSpec(
            folder=folder,
            files=json.dumps(files, sort_keys=True),
            code_hash=code_hash,
            model=types.Channel(type=standard_artifacts.Model),
        )
        super().__init__(spec=spec)
