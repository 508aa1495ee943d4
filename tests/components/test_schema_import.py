"""SchemaImport writes the schema with its limits, and real examples are no anomaly to it."""

from pathlib import Path

import pytest
import tensorflow_data_validation as tfdv
from tfx.types import standard_artifacts

from components.ct_example_gen.conversion import ConvertScan
from components.ct_example_gen.request import ScanTask
from components.schema_import import Executor, SchemaImport
from lungct.grid import Grid
from lungct.inventory import take_inventory
from lungct.limits import LUNG, VOLUME
from lungct.roots import DataRoot
from schema.contract import SCHEMA_PATH, data_schema
from schema.hyperparameters import Intensity
from tests.lungct.luna16 import make_root

GRID = Grid((6.0, 5.0, 5.0), margin_mm=6.0)


def test_wiring() -> None:
    component = SchemaImport("c0ffee")
    assert component.outputs["schema"].type is standard_artifacts.Schema
    assert component.exec_properties == {"code_hash": "c0ffee"}


def test_the_schema_that_is_written_has_the_limits(tmp_path: Path) -> None:
    artifact = standard_artifacts.Schema()
    artifact.uri = str(tmp_path)
    Executor().Do({}, {"schema": [artifact]}, {})
    written = tfdv.load_schema_text(str(tmp_path / "schema.pbtxt"))
    assert written == data_schema(SCHEMA_PATH.read_text())


@pytest.mark.parametrize("region", [LUNG, VOLUME])
def test_examples_of_an_accepted_scan_are_no_anomaly(tmp_path: Path, region: str) -> None:
    root = make_root(tmp_path / "data", {"1.1": "p"})
    (scan,) = take_inventory([DataRoot(root, region=region)]).scans
    folders = {name: str(tmp_path / name) for name in ("train", "train-index")}
    worker = ConvertScan(folders, GRID, Intensity(), 1)
    (record,) = worker.process(ScanTask(scan, "train"))
    assert record.outcome == "accepted", record.reason
    schema = data_schema(SCHEMA_PATH.read_text())
    statistics = tfdv.generate_statistics_from_tfrecord(
        str(tmp_path / "train-index" / "1.1.tfrecord.gz"),
        stats_options=tfdv.StatsOptions(schema=schema),
    )
    assert dict(tfdv.validate_statistics(statistics, schema).anomaly_info) == {}
