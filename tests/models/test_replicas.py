"""Training on several devices."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from models import replicas

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def found(examples: str, graph: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What training on one and on two devices gave."""
    folder = str(tmp_path_factory.mktemp("devices"))
    process = subprocess.run(
        [sys.executable, "-m", "tests.models.two_devices", examples, graph, folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert process.returncode == 0, process.stderr[-3000:]
    result: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
    return result


@pytest.mark.parametrize("network", ["layer", "batch"])
def test_two_devices_train_as_one(found: dict[str, Any], network: str) -> None:
    one, two = found[network]["losses"]
    np.testing.assert_allclose(two, one, rtol=1e-5)
    assert found[network]["difference"] < 1e-5


def test_an_interrupted_run_of_two_devices_ends_as_an_undisturbed_one(
    found: dict[str, Any],
) -> None:
    assert found["interrupted"]["difference"] < 1e-6


@pytest.mark.parametrize(("gpus", "batch", "used"), [(4, 16, 4), (3, 16, 2), (3, 7, 1), (8, 12, 6)])
def test_as_many_gpus_as_share_a_batch_evenly(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    gpus: int,
    batch: int,
    used: int,
) -> None:
    devices = [SimpleNamespace(name=f"GPU:{number}") for number in range(gpus)]
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: devices)
    monkeypatch.setattr(replicas, "mirrored", list)
    chosen = replicas.choose_strategy(batch)
    if used == 1:
        assert chosen is tf.distribute.get_strategy()
    else:
        assert chosen == [f"GPU:{number}" for number in range(used)]
    said = f"training.batch_size {batch} is shared evenly by {used} of {gpus} GPUs"
    assert caplog.messages == ([said] if used < gpus else [])


def test_one_device_needs_no_mirroring() -> None:
    if len(tf.config.list_logical_devices("GPU")) < 2:
        assert replicas.choose_strategy(16).num_replicas_in_sync == replicas.replicas() == 1


def test_xla_compiles_for_one_gpu_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replicas, "list_gpus", lambda: [])
    assert not replicas.may_compile()
    monkeypatch.setattr(replicas, "list_gpus", lambda: ["a"])
    assert replicas.may_compile()
    monkeypatch.setattr(replicas, "replicas", lambda: 2)
    assert not replicas.may_compile()


def test_on_one_device_the_mean_is_the_value() -> None:
    assert float(replicas.mean_of_replicas(tf.constant(3.0))) == 3.0
