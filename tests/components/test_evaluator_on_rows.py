"""TFX's Evaluator on the rows that SegmentScans writes."""

import json
from pathlib import Path

import pytest
import tensorflow_model_analysis as tfma
from tfx.components.evaluator import executor as evaluator
from tfx.dsl.components.base import base_beam_executor
from tfx.types import standard_artifacts
from tfx.utils import proto_utils

from pipeline.eval_config import Drawing, eval_config
from tests.components.made_evaluation import at_least, change_of_at_least
from tests.components.made_models import save_model
from tests.components.made_segmentation import BEAM, TODAY, artifact, run_segment_scans, scan
from tests.made_scans import write_scan

BOUNDS_HU = {"good": 0, "poor": 50}


@pytest.mark.parametrize(
    ("candidate", "baseline", "blessed"),
    [("good", None, True), ("poor", "good", False)],  # a first run; worse than the last blessed
)
def test_the_evaluator_judges_the_rows(
    tmp_path: Path,
    candidate: str,
    baseline: str | None,
    blessed: bool,
) -> None:
    write_scan(tmp_path / "examples", scan("1.2", "eval"))
    write_scan(tmp_path / "examples", scan("1.3", "train"))
    models = {
        name: save_model(tmp_path / name, BOUNDS_HU[name], data=TODAY)
        for name in (candidate, baseline)
        if name is not None
    }
    before = None if baseline is None else models[baseline]
    rows, _ = run_segment_scans(tmp_path, models[candidate], before)
    criteria = (at_least(0.3), change_of_at_least(-0.02))
    evaluation = artifact(standard_artifacts.ModelEvaluation, tmp_path / "evaluation")
    blessing = artifact(standard_artifacts.ModelBlessing, tmp_path / "blessing")
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=BEAM, tmp_dir=str(tmp_path / "tmp"), unique_id="2"
    )

    evaluator.Executor(context).Do(
        {
            "examples": [rows],
            "model": [artifact(standard_artifacts.Model, models[candidate], 8)],
            "baseline_model": [artifact(standard_artifacts.Model, before, 7)] if before else [],
        },
        {"evaluation": [evaluation], "blessing": [blessing]},
        {
            "eval_config": proto_utils.proto_to_json(
                eval_config(criteria, Drawing(20, code_hash="c0ffee"))
            ),
            "example_splits": json.dumps(["train", "eval", "test"]),
            "fairness_indicator_thresholds": "null",
        },
    )

    name = "" if baseline is None else "candidate"
    found = dict(tfma.load_eval_result(evaluation.uri, model_name=name).slicing_metrics)
    # Good: 2 * 3 / (4 + 4); poor: 2 * 1 / (1 + 4).
    expected = {"good": 0.75, "poor": 0.4}[candidate]
    for split in ("train", "eval"):
        figures = found[(("split", split),)][""][""]
        assert figures["pooled_dice"]["doubleValue"] == pytest.approx(expected)
        assert figures["lesion_sensitivity"]["doubleValue"] == 1.0
    assert (tmp_path / "blessing" / "BLESSED").exists() is blessed
