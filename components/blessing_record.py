"""BlessingRecord: what the Evaluator blessed, for the runs to come of this pipeline."""

from typing import Any

from tfx import types
from tfx.components.evaluator import constants
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.blessed_models import record_blessed


class BlessingRecordSpec(ComponentSpec):
    """What BlessingRecord takes; it gives nothing, as the record is of all runs."""

    PARAMETERS = {"folder": ExecutionParameter(type=str)}
    INPUTS = {
        "model": ChannelParameter(type=standard_artifacts.Model),
        "blessing": ChannelParameter(type=standard_artifacts.ModelBlessing),
    }
    OUTPUTS: dict[str, Any] = {}


class Executor(base_executor.BaseExecutor):
    """Adds a blessed model to the record."""

    def Do(  # noqa: N802
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Records the model where it is blessed.

        Args:
            input_dict: `model` and `blessing`.
            output_dict: Empty.
            exec_properties: `folder`.

        Raises:
            OSError: It can't be written.
        """
        del output_dict
        blessing = artifact_utils.get_single_instance(input_dict["blessing"])
        verdict = blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY)
        if verdict == constants.BLESSED_VALUE:
            model = artifact_utils.get_single_uri(input_dict["model"])
            record_blessed(exec_properties["folder"], model)


class BlessingRecord(base_component.BaseComponent):
    """Records a blessed model where there is no metadata that a component could ask."""

    SPEC_CLASS = BlessingRecordSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, folder: str, model: types.BaseChannel, blessing: types.BaseChannel) -> None:
        """Wires the component.

        Args:
            folder: That of the pipeline's record.
            model: The model that was judged.
            blessing: The verdict.
        """
        super().__init__(spec=BlessingRecordSpec(folder=folder, model=model, blessing=blessing))
