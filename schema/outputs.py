"""Names of the components' outputs that the record of a run is made from: COMPONENT.KEY."""

from typing import Final

EXAMPLE_GEN: Final = "CtExampleGen"
EXAMPLES: Final = f"{EXAMPLE_GEN}.examples"
SCANS: Final = f"{EXAMPLE_GEN}.scans"
QUARANTINE: Final = f"{EXAMPLE_GEN}.quarantine"
MANIFEST: Final = f"{EXAMPLE_GEN}.manifest"
PUSHED_MODEL: Final = "Pusher.pushed_model"
ROWS: Final = "SegmentScans.rows"
PREDICTIONS: Final = "SegmentScans.predictions"
# What was judged, as it was trained or as it was pushed; and what it was compared with.
MODELS: Final = ("Trainer.model", "ModelImport.model")
BASELINE_KEY: Final = "baseline_model"
# Blessed models that it can't be compared with, which only the report looks at.
PASSED_OVER_KEY: Final = "passed_over"
MODEL_RUN: Final = "Trainer.model_run"
EVALUATION: Final = "Evaluator.evaluation"
BLESSING: Final = "Evaluator.blessing"
REPORT: Final = "ReportGen.report"

# The property of a PushedModel where TFX's Pusher says which folder the model was pushed to.
PUSHED_DESTINATION: Final = "pushed_destination"
