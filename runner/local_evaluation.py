"""One evaluation of a pushed model on this machine: as a run, without training and without push."""

from typing import Any

from pipeline.config import Config
from pipeline.evaluation import EvaluatedModel
from runner.exit_status import EXIT_BLESSED, EXIT_NOT_BLESSED
from runner.local_run import LocalRun
from runner.run_record import RunRecord


class LocalEvaluation(LocalRun):
    """Judges a pushed model, shows how, and writes `run.json` however it ends."""

    def __init__(self, config: Config, model: EvaluatedModel, notes: tuple[str, ...]) -> None:
        """Prepares the run.

        Args:
            config: By `pipeline.evaluation.evaluation_config`, with an output folder that exists.
            model: The model.
            notes: What of the user's configuration was overridden.
        """
        super().__init__(RunRecord(config, model=model))
        self._model = model
        self._notes = notes

    def _introduce(self) -> None:
        super()._introduce()
        self._say_path("evaluation of", self._model.folder)
        for note in self._notes:
            self._view.console.print(f"  note: {note}", markup=False)

    def _create_pipeline(self) -> Any:
        from pipeline.pipeline import create_evaluation

        return create_evaluation(self._record.config, self._model)

    def _conclude(self, summary: dict[str, Any]) -> int:
        self._show(summary, "The gate is passed.", "The gate is not passed.")
        return EXIT_BLESSED if summary["blessed"] else EXIT_NOT_BLESSED
