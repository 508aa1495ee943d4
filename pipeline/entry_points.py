"""The code of ours that each component runs: where TFX finds it, and what the cache follows.

Nothing heavy is imported here, so that a run which ends early can say which code it would have run.
"""

import os
from pathlib import Path
from typing import Final

from lungct.readers import LAYOUTS
from pipeline.code_hash import Code

# What TFX imports by its dotted name.
PREPROCESSING_FN: Final = "models.preprocessing.preprocessing_fn"
RUN_FN: Final = "models.trainer.run_fn"
METRICS_MODULE: Final = "models.metrics.figures"

# What the report's page is made of.
_TEMPLATES: Final = Path(__file__).resolve().parent.parent / "report" / "templates"

# What SchemaImport reads.
SCHEMA_FILE: Final = "schema/schema.pbtxt"

# What pydicom decodes compressed pixels with; it imports what it finds.
DECODERS: Final = ("pillow", "pyjpegls")

INGEST: Final = Code(
    ("components.ct_example_gen.component", *LAYOUTS.values()), distributions=DECODERS
)
SCHEMA_IMPORT: Final = Code(("components.schema_import",), (SCHEMA_FILE,))
DATA_GATE: Final = Code(("components.data_gate",))
TRANSFORM: Final = Code((PREPROCESSING_FN.rpartition(".")[0],))
TRAINER: Final = Code((RUN_FN.rpartition(".")[0],))
SEGMENT_SCANS: Final = Code(("components.segment_scans.component",))
EVALUATOR: Final = Code((METRICS_MODULE,))
REPORT: Final = Code(
    ("components.report_gen",),
    tuple(f"report/templates/{name}" for name in sorted(os.listdir(_TEMPLATES))),
)
# None for Pusher: changed code needs no new push, as every push is verified by its checksums.

# Everything that a run on this machine runs and reads.
RUN: Final = (
    Code(("local_runner",))
    + INGEST
    + SCHEMA_IMPORT
    + TRANSFORM
    + TRAINER
    + SEGMENT_SCANS
    + EVALUATOR
    + REPORT
)
