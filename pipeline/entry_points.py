"""The modules of ours that each component runs: where TFX finds them, and what the cache follows.

Nothing heavy is imported here, so that a run which ends early can say which code it would have run.
"""

from typing import Final

from lungct.readers import LAYOUTS

# What TFX imports by its dotted name.
PREPROCESSING_FN: Final = "models.preprocessing.preprocessing_fn"
RUN_FN: Final = "models.trainer.run_fn"
METRICS_MODULE: Final = "models.metrics.segmentation"

# Entry points for `pipeline.code_hash`, by component.
INGEST: Final = ("components.ct_example_gen.component", *LAYOUTS.values())
SCHEMA_IMPORT: Final = ("components.schema_import", "schema")  # schema/schema.pbtxt
DATA_GATE: Final = ("components.data_gate",)
TRANSFORM: Final = (PREPROCESSING_FN.rpartition(".")[0],)
TRAINER: Final = (RUN_FN.rpartition(".")[0],)
EVALUATOR: Final = (METRICS_MODULE,)
REPORT: Final = ("components.report_gen",)

# Everything that a run on this machine imports.
RUN: Final = ("local_runner", *INGEST, *TRANSFORM, *TRAINER, *EVALUATOR)
