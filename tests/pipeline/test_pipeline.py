"""What is wired for training, and for judging a pushed model without it."""

from pathlib import Path
from typing import Any

import pytest

from lungct.roots import DataRoot
from pipeline.config import Config
from pipeline.evaluation import EvaluatedModel, evaluation_config
from pipeline.loading import load_config
from pipeline.pipeline import create_evaluation, create_pipeline
from schema.model_facts import ModelFacts
from serving.served import read_facts
from tests.components.made_models import save_model

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def config(tmp_path: Path) -> Config:
    loaded = load_config(str(ROOT / "configs" / "demo.yaml"), output=str(tmp_path))
    data = {"roots": (DataRoot(path=str(tmp_path)),)}
    return loaded.model_copy(update={"data": loaded.data.__class__(**data)})


@pytest.fixture
def model(tmp_path: Path) -> EvaluatedModel:
    folder = f"{save_model(tmp_path / 'model', 0)}/Format-Serving"
    return EvaluatedModel(folder, read_facts(folder))


def components(pipeline: Any) -> dict[str, Any]:
    return {node.id: node for node in pipeline.components}


def test_an_evaluation_trains_compares_and_pushes_nothing(
    config: Config, model: EvaluatedModel
) -> None:
    pipeline = create_evaluation(evaluation_config(config, model.facts)[0], model)
    nodes = components(pipeline)
    assert set(nodes) == {
        *("CtExampleGen", "SchemaImport", "StatisticsGen", "ExampleValidator", "DataGate"),
        *("ModelImport", "SegmentScans", "Evaluator", "ReportGen"),
    }
    assert pipeline.pipeline_info.pipeline_name == f"{config.name}-evaluation"
    for name in ("SegmentScans", "Evaluator", "ReportGen"):
        assert "baseline_model" not in nodes[name].inputs
        assert "model_run" not in nodes[name].inputs
        assert "passed_over" not in nodes[name].inputs
    assert nodes["DataGate"].exec_properties["splits"] == "eval"
    assert nodes["ReportGen"].exec_properties["trainer_code_hash"] == model.facts.code_hash
    assert nodes["ModelImport"].exec_properties["folder"] == model.folder
    assert nodes["ReportGen"].exec_properties["evaluated_model"] == model.folder


def test_the_report_of_a_training_is_told_which_models_were_passed_over(config: Config) -> None:
    report = components(create_pipeline(config))["ReportGen"]
    assert {"model", "baseline_model", "passed_over", "model_run"} <= set(report.inputs)
    assert report.exec_properties["evaluated_model"] == ""


def test_no_scan_is_judged_before_the_data_passed(config: Config, model: EvaluatedModel) -> None:
    nodes = components(create_evaluation(evaluation_config(config, model.facts)[0], model))
    assert nodes["DataGate"] in nodes["SegmentScans"].upstream_nodes


def test_training_and_evaluation_judge_alike(config: Config, model: EvaluatedModel) -> None:
    trained = components(create_pipeline(config))
    judged = components(
        create_evaluation(
            evaluation_config(config, ModelFacts(config.grid, (-1000, 400), 0.5, 8))[0], model
        )
    )
    assert set(judged) - set(trained) == {"ModelImport"}
    for name in ("SchemaImport", "SegmentScans"):
        assert judged[name].exec_properties == trained[name].exec_properties
