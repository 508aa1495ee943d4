from pathlib import Path

import pytest

from benchmarks.segment_memory import compare
from benchmarks.untrained import export_network

CONFIG = """
name: small
data: {phantom: {scans: 2}}
split: {eval_fraction: 0.5}
grid: {spacing_mm: [3, 2, 1], context: 1}
model: {base_filters: 4, levels: 2}
gate: {pooled_dice: {at_least: 0.1}}
"""


@pytest.mark.slow
def test_prints_a_line_for_each_volume(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "small.yaml").write_text(CONFIG)
    model = str(tmp_path / "model")
    export_network(str(tmp_path / "small.yaml"), 2, model)
    compare(model, [9, 40], 64)
    first, *lines, last = capsys.readouterr().out.splitlines()
    assert first.endswith("context 1")
    assert [line.partition(":")[0].strip() for line in lines] == [
        "9 slices of 64²",
        "40 slices of 64²",
    ]
    assert last.startswith("from 9 to 40 slices") and last.endswith("bytes a voxel")
