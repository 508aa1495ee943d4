"""Trainings, and judgements of pushed models, by the pipeline's own components."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipeline.config import Config
from pipeline.evaluation import EvaluatedModel, evaluation_config
from schema import outputs
from schema.files import INDEX_ENDING, MANIFEST_FILE

if TYPE_CHECKING:
    from report.history import History
    from schema.judged import Row

Tell = Callable[[str], None]  # what is told as it begins

# Of the pipeline's components those are left out that come after the judged rows: figures are
# made here by group, and a model that nobody blesses is none that the next fold is compared with.
_AFTER_ROWS: Final = (outputs.EVALUATION, outputs.PUSHED_MODEL, outputs.REPORT)
_AFTER_TRAINING: Final = (*_AFTER_ROWS, outputs.ROWS)
_TRIAL_EPOCHS: Final = 2  # the first one compiles


@dataclass(frozen=True)
class Ran:
    """What a pipeline left.

    Attributes:
        folders: Of its artifacts, by COMPONENT.KEY as in `schema.outputs`.
        seconds: Of its components by name; what came from the cache took next to nothing.
    """

    folders: Mapping[str, str]
    seconds: Mapping[str, float]

    @property
    def manifest(self) -> Path:
        """The split manifest."""
        return Path(self.folders[outputs.MANIFEST], MANIFEST_FILE)

    @property
    def model(self) -> str:
        """Folder of the trained model."""
        from tfx.utils import path_utils

        return str(path_utils.serving_model_path(self.folders[outputs.MODELS[0]]))

    def history(self) -> "History":
        """How training went; raises ValueError where it left no history."""
        from report.history import read_history

        folder = self.folders[outputs.MODEL_RUN]
        history = read_history(folder)
        if history is None:
            raise ValueError(f"expected a history of training in {folder}, got none")
        return history

    def rows(self) -> Iterator["Row"]:
        """The judged rows of all splits."""
        from schema.judged_io import read_rows

        paths = Path(self.folders[outputs.ROWS]).glob(f"Split-*/*{INDEX_ENDING}")
        return read_rows(sorted(map(str, paths)))


def learn(config: Config, tell: Tell) -> Ran:
    """Reads the scans, trains, and judges the train and the eval split.

    Args:
        config: The configuration, with data roots and an output folder that exists.
        tell: Called with the name of each component that begins.
    """
    return _run(config, _AFTER_ROWS, tell)


def epochs_within(minutes: float, config: Config, tell: Tell) -> int:
    """How many epochs take so long here, by the second of two.

    Args:
        minutes: Wall clock of training, the monitor's passes included.
        config: The configuration, with data roots and an output folder that exists.
        tell: Called with the name of each component that begins.
    """
    trial = _run(with_training(config, epochs=_TRIAL_EPOCHS), _AFTER_TRAINING, tell)
    seconds = trial.history().epochs[-1].seconds or 0.0
    return max(1, round(60 * minutes / max(seconds, 1e-3)))


def judge(config: Config, folder: str, tell: Tell) -> Ran:
    """Judges a model on all scans of the data roots, on the model's own working grid.

    Args:
        config: The configuration, with data roots and an output folder that exists.
        folder: That of the model's `saved_model.pb`.
        tell: Called with the name of each component that begins.

    Raises:
        ValueError: There are no facts beside the model.
    """
    from pipeline.pipeline import create_evaluation
    from serving.served import read_facts

    facts = read_facts(folder)
    wanted, _ = evaluation_config(config, facts)
    return _observed(create_evaluation(wanted, EvaluatedModel(folder, facts)), _AFTER_ROWS, tell)


def with_training(config: Config, **values: Any) -> Config:
    """The configuration with other values in its section `training`."""
    return config.model_copy(update={"training": replace(config.training, **values)})


def _run(config: Config, left_out: Sequence[str], tell: Tell) -> Ran:
    from pipeline.pipeline import create_pipeline

    return _observed(create_pipeline(config), left_out, tell)


def _observed(pipeline: Any, left_out: Sequence[str], tell: Tell) -> Ran:
    """Runs the components of a pipeline but for those that make some outputs."""
    from runner.local_dag import NodeResult, ObservedDagRunner

    names = {key.partition(".")[0] for key in left_out}

    class PartialRunner(ObservedDagRunner):
        """Passes over some components, on which no other one depends."""

        def run_with_ir(self, pipeline: Any, run_options: Any = None) -> None:
            """Runs the others."""
            kept = [node for node in pipeline.nodes if node.pipeline_node.node_info.id not in names]
            del pipeline.nodes[:]
            pipeline.nodes.extend(kept)
            super().run_with_ir(pipeline, run_options)

    results: list[NodeResult] = []
    PartialRunner(tell, results.append).run(pipeline)
    folders = {
        f"{result.node_id}.{key}": output.uri
        for result in results
        for key, output in result.outputs.items()
    }
    return Ran(folders, {result.node_id: result.seconds for result in results})
