"""The code of ours that each component runs: where TFX finds it, and what the cache follows.

Nothing heavy is imported here, so that a run which ends early can say which code it would have run.
"""

from typing import Final

from lungct.readers import LAYOUTS
from pipeline.code_hash import Code

# What TFX imports by its dotted name.
PREPROCESSING_FN: Final = "models.preprocessing.preprocessing_fn"
RUN_FN: Final = "models.trainer.run_fn"
METRICS_MODULE: Final = "models.metrics.figures"

# What SchemaImport reads.
SCHEMA_FILE: Final = "schema/schema.pbtxt"

# What pydicom decodes compressed pixels with; it imports what it finds.
DECODERS: Final = ("pillow", "pyjpegls")

INGEST: Final = Code(
    ("components.ct_example_gen.component", *LAYOUTS.values()), distributions=DECODERS
)
SCHEMA_IMPORT: Final = Code(("components.schema_import",), (SCHEMA_FILE,))
MODEL_IMPORT: Final = Code(("components.model_import",))
DATA_GATE: Final = Code(("components.data_gate",))
TRANSFORM: Final = Code((PREPROCESSING_FN.rpartition(".")[0],))
TRAINER: Final = Code((RUN_FN.rpartition(".")[0],))
SEGMENT_SCANS: Final = Code(("components.segment_scans.component",))
LAST_BLESSED: Final = Code(("components.last_blessed",))
EVALUATOR: Final = Code((METRICS_MODULE,))
REPORT: Final = Code(
    ("components.report_gen",),
    tuple(
        f"report/templates/{name}"
        for name in (
            "calibration.j2",
            "card.j2",
            "data.j2",
            "detection.j2",
            "gallery.j2",
            "gate.j2",
            "lineage.j2",
            "macros.j2",
            "overview.j2",
            "page.html.j2",
            "script.js",
            "size.j2",
            "sources.j2",
            "style.css",
            "training.j2",
            "volumes.j2",
        )
    ),
)
# None for Pusher: changed code needs no new push, as every push is verified by its checksums.

# Everything that a run on this machine runs and reads.
RUN: Final = (
    Code(("local_runner",))
    + INGEST
    + SCHEMA_IMPORT
    + MODEL_IMPORT
    + TRANSFORM
    + TRAINER
    + SEGMENT_SCANS
    + EVALUATOR
    + REPORT
)
