"""The pipeline, whole: raw CT in, a judged and pushed model out."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from tfx import types
from tfx import v1 as tfx
from tfx.dsl.components.base import base_node
from tfx.types import standard_artifacts

from components.blessing_record import BlessingRecord
from components.ct_example_gen.component import CtExampleGen
from components.ct_example_gen.request import Request
from components.data_gate import DataGate
from components.evaluator import Evaluator
from components.last_blessed import LastBlessed, LastBlessedOtherModel
from components.model_import import ModelImport
from components.report_gen import ReportGen
from components.schema_import import SchemaImport
from components.segment_scans.component import SegmentScans
from pipeline import entry_points, platforms
from pipeline.assembly import assemble
from pipeline.code_hash import code_hash
from pipeline.config import Config
from pipeline.eval_config import Drawing, eval_config
from pipeline.evaluation import EvaluatedModel
from pipeline.gate import gate_criteria
from pipeline.vertex_config import VertexConfig
from schema import features
from schema.criteria import criteria_to_json
from schema.outputs import PASSED_OVER_KEY


def create_pipeline(config: Config) -> tfx.dsl.Pipeline:
    """Wires the pipeline for the platform that the configuration names.

    Args:
        config: The run's configuration; `config.output` is where everything is written.

    Returns:
        The pipeline, for a local runner (with SQLite metadata) or for Vertex AI.
    """
    trainer_hash = code_hash(entry_points.TRAINER)
    data = _checked_data(config)
    example_gen, schema, gate = data.example_gen, data.schema, data.gate
    learning = config.learning()
    transform = tfx.components.Transform(
        examples=example_gen.outputs["examples"],
        schema=schema.outputs["schema"],
        preprocessing_fn=entry_points.PREPROCESSING_FN,
        splits_config=tfx.proto.SplitsConfig(analyze=[features.index_split(features.SPLIT_TRAIN)]),
        materialize=False,
        disable_statistics=True,
        custom_config={
            "intensity": learning["intensity"],
            "code_hash": code_hash(entry_points.TRANSFORM),
        },
    )
    transform.add_upstream_node(gate)
    trainer = platforms.trainer(
        config,
        {**learning, "code_hash": trainer_hash},
        examples=example_gen.outputs["examples"],
        transform_graph=transform.outputs["transform_graph"],
        schema=schema.outputs["schema"],
    )
    last_blessed = _last_blessed(config, trainer.outputs["model"])
    models = {
        "model": trainer.outputs["model"],
        "baseline_model": last_blessed.outputs["model"],
    }
    segment_scans = _segment_scans(config, data, models)
    evaluator = _evaluator(config, segment_scans, models)
    pusher = platforms.pusher(
        config, model=trainer.outputs["model"], model_blessing=evaluator.outputs["blessing"]
    )
    report = _report(
        config,
        data,
        (segment_scans, evaluator),
        trainer_code_hash=trainer_hash,
        model_run=trainer.outputs["model_run"],
        passed_over=last_blessed.outputs[PASSED_OVER_KEY],
        **models,
    )
    record = _blessing_record(config, trainer.outputs["model"], evaluator.outputs["blessing"])
    judging = [last_blessed, segment_scans, evaluator, *record, pusher, report]
    return assemble(config, [*data.nodes, transform, trainer, *judging])


def create_evaluation(config: Config, model: EvaluatedModel) -> tfx.dsl.Pipeline:
    """Wires the judging of a pushed model on data that it never saw, without training.

    Args:
        config: The run's configuration, by `pipeline.evaluation.evaluation_config`.
        model: The model.

    Returns:
        The pipeline for a local runner; it compares with no other model and pushes nothing.
    """
    data = _checked_data(config)
    imported = ModelImport(model.folder, code_hash(entry_points.MODEL_IMPORT))
    models = {"model": imported.outputs["model"]}
    segment_scans = _segment_scans(config, data, models)
    segment_scans.add_upstream_node(data.gate)
    evaluator = _evaluator(config, segment_scans, models)
    report = _report(
        config,
        data,
        (segment_scans, evaluator),
        trainer_code_hash=model.facts.code_hash,
        evaluated_model=model.folder,
        **models,
    )
    nodes = [*data.nodes, imported, segment_scans, evaluator, report]
    # By a name of its own: what is blessed here is never what training is compared with.
    return assemble(config, nodes, name=f"{config.name}-evaluation")


def create_ingest(config: Config) -> tfx.dsl.Pipeline:
    """Wires CtExampleGen alone, as `create_pipeline` has it.

    Args:
        config: The run's configuration.

    Returns:
        A pipeline of one component.
    """
    return assemble(config, [_example_gen(config)])


@dataclass(frozen=True)
class _CheckedData:
    """The components from the scans to data that may be used."""

    example_gen: CtExampleGen
    schema: SchemaImport
    statistics: base_node.BaseNode
    validator: base_node.BaseNode
    gate: DataGate

    @property
    def nodes(self) -> list[base_node.BaseNode]:
        """All of them."""
        return [self.example_gen, self.schema, self.statistics, self.validator, self.gate]


def _checked_data(config: Config) -> _CheckedData:
    example_gen = _example_gen(config)
    schema = SchemaImport(code_hash=code_hash(entry_points.SCHEMA_IMPORT))
    # What is looked at is the index: the same slices without their pixels.
    statistics = tfx.components.StatisticsGen(
        examples=example_gen.outputs["examples"],
        schema=schema.outputs["schema"],
        exclude_splits=list(config.splits),
    )
    validator = tfx.components.ExampleValidator(
        statistics=statistics.outputs["statistics"],
        schema=schema.outputs["schema"],
        exclude_splits=list(config.splits),
    )
    gate = DataGate(
        scans=example_gen.outputs["scans"],
        anomalies=validator.outputs["anomalies"],
        splits=config.splits,
        max_quarantined_fraction=config.data.max_quarantined_fraction,
        code_hash=code_hash(entry_points.DATA_GATE),
    )
    return _CheckedData(example_gen, schema, statistics, validator, gate)


def _example_gen(config: Config) -> CtExampleGen:
    data = config.data
    request = Request(data.roots, config.split, config.grid, config.intensity, data.checksums)
    return CtExampleGen(request, code_hash=code_hash(entry_points.INGEST))


def _segment_scans(
    config: Config, data: _CheckedData, models: Mapping[str, types.BaseChannel]
) -> SegmentScans:
    return SegmentScans(
        examples=data.example_gen.outputs["examples"],
        scans=data.example_gen.outputs["scans"],
        train_patients=config.evaluation.train_patients,
        code_hash=code_hash(entry_points.SEGMENT_SCANS),
        **models,
    )


def _evaluator(
    config: Config, segment_scans: SegmentScans, models: Mapping[str, types.BaseChannel]
) -> base_node.BaseNode:
    drawing = Drawing(config.evaluation.replicates, code_hash(entry_points.EVALUATOR))
    return Evaluator(
        examples=segment_scans.outputs["rows"],
        eval_config=eval_config(gate_criteria(config.gate), drawing),
        example_splits=list(config.splits),
        **models,
    )


def _report(
    config: Config,
    data: _CheckedData,
    judging: tuple[SegmentScans, base_node.BaseNode],
    trainer_code_hash: str,
    evaluated_model: str = "",
    **channels: types.BaseChannel,
) -> ReportGen:
    """The report; its channels are the models, and `model_run` where one was trained."""
    segment_scans, evaluator = judging
    return ReportGen(
        examples=data.example_gen.outputs["examples"],
        scans=data.example_gen.outputs["scans"],
        rows=segment_scans.outputs["rows"],
        predictions=segment_scans.outputs["predictions"],
        evaluation=evaluator.outputs["evaluation"],
        blessing=evaluator.outputs["blessing"],
        configuration=json.dumps(config.described(), sort_keys=True),
        criteria=criteria_to_json(gate_criteria(config.gate)),
        code_hash=code_hash(entry_points.REPORT),
        trainer_code_hash=trainer_code_hash,
        probability_threshold=config.evaluation.probability_threshold,
        evaluated_model=evaluated_model,
        **channels,
    )


def _last_blessed(config: Config, candidate: types.BaseChannel) -> base_node.BaseNode:
    """The model to compare with, by this machine's metadata or by the pipeline's own record."""
    name = "last_blessed_model"
    if config.vertex is not None:
        picked = code_hash(entry_points.LAST_BLESSED)
        return LastBlessed(candidate, _record_folder(config.vertex, config.name), picked).with_id(
            name
        )
    channels = {
        "model": tfx.dsl.Channel(type=standard_artifacts.Model),
        "model_blessing": tfx.dsl.Channel(type=standard_artifacts.ModelBlessing),
        "candidate": candidate,
        PASSED_OVER_KEY: tfx.dsl.Channel(type=standard_artifacts.Model),
    }
    return tfx.dsl.Resolver(strategy_class=LastBlessedOtherModel, **channels).with_id(name)


def _blessing_record(
    config: Config, model: types.BaseChannel, blessing: types.BaseChannel
) -> list[base_node.BaseNode]:
    """What keeps the verdict for runs to come, where it is not this machine's metadata."""
    if config.vertex is None:
        return []
    return [BlessingRecord(_record_folder(config.vertex, config.name), model, blessing)]


def _record_folder(place: VertexConfig, name: str) -> str:
    """Where the blessed models of this pipeline are recorded."""
    return f"{place.pipeline_root.rstrip('/')}/blessed/{name}"
