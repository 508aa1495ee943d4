"""Pushers on Google Cloud: to a Vertex AI endpoint, or to a bucket that TensorFlow Serving watches.

Google's own Pusher takes Google's serving containers alone, and these end at TensorFlow 2.15. Here
the endpoint runs TensorFlow Serving of a version that can read what was exported.
"""

import logging
import os
import time
from typing import Any, Final

from tfx import types
from tfx.components.pusher import executor
from tfx.dsl.components.base import base_component, executor_spec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.standard_component_specs import CUSTOM_CONFIG_KEY, PusherSpec

from components.vertex_endpoint import Destination, deploy
from schema.run_parameters import PUSH, wants_push
from serving.served import read_facts

# TensorFlow Serving watches for folders whose names are numbers, and loads what holds this file.
FIRST_VERSION: Final = "1"
LAST_FILE: Final = "saved_model.pb"


class ServingTooOld(RuntimeError):
    """The serving container can't be trusted to read what was exported."""


def check_version(folder: str, destination: Destination) -> None:
    """Refuses a serving container that is older than what exported the model.

    Args:
        folder: That of the model's `saved_model.pb`.
        destination: Where the model goes.

    Raises:
        ServingTooOld: It is, as far as its name tells.
    """
    exporter = read_facts(folder).versions.get("tensorflow", "")
    ours = tuple(int(number) for number in exporter.split(".")[:2]) if exporter else ()
    if destination.serving_tensorflow and destination.serving_tensorflow < ours:
        got = ".".join(map(str, destination.serving_tensorflow))
        expected = f"expected a serving image of TensorFlow {exporter} or newer"
        raise ServingTooOld(f"{expected}, got {got}: {destination.serving_image}")


def copy_model(source: str, folder: str) -> None:
    """Copies a model so that who watches the folder loads nothing that is not whole.

    Args:
        source: The model's folder.
        folder: Where it goes; `saved_model.pb`, without which nobody loads it, is copied last.

    Raises:
        FileNotFoundError: It is no model.
    """
    paths = [os.path.join(place, name) for place, _, names in fileio.walk(source) for name in names]
    relative = sorted(os.path.relpath(path, source) for path in paths)
    if LAST_FILE not in relative:
        raise FileNotFoundError(f"expected {LAST_FILE} in {source}, got {relative}")
    for name in [*(one for one in relative if one != LAST_FILE), LAST_FILE]:
        target = os.path.join(folder, name)
        fileio.makedirs(os.path.dirname(target))
        fileio.copy(os.path.join(source, name), target, overwrite=True)


class Executor(executor.Executor):
    """Pushes a blessed model, where the run is to push at all."""

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
            exec_properties: `custom_config`, a Destination as JSON, and perhaps `push`.

        Raises:
            ServingTooOld: The serving container is older than what exported the model.
            ValueError: `push` is neither true nor false.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        pushed = artifact_utils.get_single_instance(output_dict["pushed_model"])
        wanted = wants_push(exec_properties)
        if not wanted or not self.CheckBlessing(input_dict):
            logging.info("nothing is pushed: %s", "not blessed" if wanted else f"{PUSH} is false")
            self._MarkNotPushed(pushed)
            return
        destination = Destination.from_json(exec_properties[CUSTOM_CONFIG_KEY])
        model = self.GetModelPath(input_dict)
        if destination.bucket:
            version = str(int(time.time()))
            place = os.path.join(destination.bucket, version)
            copy_model(model, place)
            self._MarkPushed(pushed, pushed_destination=place, pushed_version=version)
            return
        check_version(model, destination)
        copy_model(model, os.path.join(pushed.uri, FIRST_VERSION))
        self._MarkPushed(pushed, pushed_destination=deploy(pushed.uri, destination))


class CloudPusher(base_component.BaseComponent):
    """Pushes to where a Destination says."""

    SPEC_CLASS = PusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, destination: Destination, **channels: types.BaseChannel) -> None:
        """Wires the component.

        Args:
            destination: Where a blessed model goes.
            **channels: `model` and `model_blessing`.
        """
        spec = PusherSpec(
            custom_config=destination.to_json(),
            pushed_model=types.Channel(type=standard_artifacts.PushedModel),
            **channels,
        )
        super().__init__(spec=spec)
