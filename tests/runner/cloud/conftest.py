"""What the tests of the cloud share: one compiled job, and the service on loopback."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.cloud_names import CLOUD
from pipeline.config import Config
from pipeline.loading import load_config
from runner.cloud import service as service_module
from tests.loopback import serve
from tests.runner.cloud.made_cloud import Service
from tests.runner.cloud.values import OVERRIDES

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def config() -> Config:
    return load_config(str(ROOT / "configs/vertex.yaml"), OVERRIDES, CLOUD)


@pytest.fixture(scope="session")
def compiled(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from runner.cloud.compilation import compile_pipeline

    path = tmp_path_factory.mktemp("compiled") / "job.json"
    compile_pipeline(config, str(path))
    return path


@pytest.fixture(scope="session")
def job(compiled: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(compiled.read_text())
    return content


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    served = Service()
    with serve(served.methods()) as connection:
        monkeypatch.setattr(service_module, "connection", connection)
        yield served
