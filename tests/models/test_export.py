import platform
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from models.export import export, library_versions
from models.segmenter import Segmenter
from schema.files import MODEL_FILE
from schema.model_facts import ModelFacts
from tests.models.made_model import CONTEXT, FACTS, SIZE, made_network


def test_the_facts_lie_beside_the_model(layer: Any, tmp_path: Path) -> None:
    export(Segmenter(made_network(), layer, CONTEXT, SIZE.stride), str(tmp_path / "1"), FACTS)
    assert (tmp_path / "1" / "saved_model.pb").is_file()
    assert ModelFacts.from_json((tmp_path / "1" / MODEL_FILE).read_text()) == FACTS


def test_versions_are_those_that_are_imported() -> None:
    versions = library_versions()
    assert versions.pop("python") == platform.python_version()
    assert versions.pop("tensorflow-transform")
    imported = {"tensorflow": tf, "keras": keras, "numpy": np}
    assert versions == {name: module.__version__ for name, module in imported.items()}
