"""Training from a bucket into a bucket."""

import json
import subprocess
import sys
import types
from pathlib import Path

import fsspec
import numpy as np
import pytest

from serving.model import load_model
from serving.served import read_facts
from tests.bucket import Fault, running_bucket
from tests.models import synthetic

ROOT = Path(__file__).resolve().parents[2]
# A process of its own, as TensorFlow holds Python's lock while it reads checkpoints, without which
# the bucket of this process can't answer.
TRAIN = """
import json, sys, types
from models import trainer
trainer.run_fn(types.SimpleNamespace(**json.loads(sys.argv[1])))
"""


@pytest.mark.slow
def test_what_is_trained_in_a_bucket_is_what_is_trained_here(
    trained: types.SimpleNamespace,
    graph: str,
    examples: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with running_bucket(tmp_path, monkeypatch) as bucket:
        place = bucket.upload(Path(examples), "examples")
        bucket.faults = [Fault("/scans/examples%2FSplit-train%2F", 503, times=2)]
        run = f"gs://{bucket.name}/Trainer"
        given = {
            **vars(trained),
            "transform_graph_path": bucket.upload(Path(graph), "graph"),
            "train_files": synthetic.train_patterns(place),
            "model_run_dir": f"{run}/model_run/7",
            "serving_model_dir": f"{run}/model/7/Format-Serving",
        }
        subprocess.run([sys.executable, "-c", TRAIN, json.dumps(given)], cwd=ROOT, check=True)
        assert bucket.faults[0].seen == 2
        facts = read_facts(f"{run}/model/7/Format-Serving")
        system = fsspec.filesystem("gs")
        system.get(f"{run}/model/7/Format-Serving", str(tmp_path / "model"), recursive=True)
        assert system.exists(f"{run}/model_run/7/history.json")
    assert facts == read_facts(trained.serving_model_dir)
    here, there = load_model(trained.serving_model_dir), load_model(str(tmp_path / "model"))
    hu = np.random.default_rng(2).integers(-1000, 400, (3, 32, 40)).astype(np.int16)
    np.testing.assert_array_equal(there.segment(hu), here.segment(hu))
