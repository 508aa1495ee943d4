"""A transform graph and a short training, made once for all tests of the models."""

import types
from pathlib import Path
from typing import Any

import pytest

from models.split import TrainingSplit, read_split
from schema.custom_config import parse
from tests.models import synthetic


@pytest.fixture(scope="session")
def graph(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Directory of a transform graph."""
    return synthetic.analyse(tmp_path_factory.mktemp("transform"), synthetic.CONFIG)


@pytest.fixture(scope="session")
def layer(graph: str) -> Any:
    return synthetic.transform_layer(graph)


@pytest.fixture(scope="session")
def examples(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Folder of an Examples artifact: four patients with two nodules each."""
    return synthetic.write_split(tmp_path_factory.mktemp("examples"), patients=4)


@pytest.fixture(scope="session")
def split(examples: str, layer: Any) -> TrainingSplit:
    return read_split(synthetic.train_patterns(examples), layer, parse(synthetic.CONFIG))


@pytest.fixture(scope="session")
def trained(
    tmp_path_factory: pytest.TempPathFactory, graph: str, examples: str
) -> types.SimpleNamespace:
    """What `run_fn` was given and where it wrote."""
    from models import trainer

    directory: Path = tmp_path_factory.mktemp("pipeline")
    fn_args = types.SimpleNamespace(
        custom_config=synthetic.CONFIG,
        transform_graph_path=graph,
        train_files=synthetic.train_patterns(examples),
        eval_files=["/nowhere/*"],
        model_run_dir=str(directory / "Trainer" / "model_run" / "7"),
        serving_model_dir=str(directory / "Trainer" / "model" / "7" / "Format-Serving"),
    )
    trainer.run_fn(fn_args)
    return fn_args
