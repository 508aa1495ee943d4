"""Exported models whose predictions are known: they predict where HU are above a bound."""

from pathlib import Path
from typing import Any

import tensorflow as tf

from lungct.grid import Grid
from schema import features
from schema.files import MODEL_FILE
from schema.model_facts import DataFacts, ModelFacts

GRID = Grid((2.5, 2.0, 1.0))


class Above(tf.Module):
    """Probability 0.5 where HU are at least the bound, 0.25 elsewhere."""

    def __init__(self, bound_hu: int) -> None:
        super().__init__()
        self._bound_hu = bound_hu

    @tf.function(input_signature=[tf.TensorSpec([None] * 3, tf.int16, name=features.INPUT_HU)])
    def segment(self, hu: Any) -> dict[str, Any]:
        return {features.OUTPUT_PROBABILITY: tf.where(hu >= self._bound_hu, 0.5, 0.25)}


class Halved(tf.Module):
    """Forgets every other slice."""

    @tf.function(input_signature=[tf.TensorSpec([None] * 3, tf.int16, name=features.INPUT_HU)])
    def segment(self, hu: Any) -> dict[str, Any]:
        return {features.OUTPUT_PROBABILITY: tf.cast(hu[::2], tf.float32)}


def save_model(
    folder: Path, bound_hu: int, grid: Grid = GRID, data: DataFacts | None = None
) -> str:
    """A Model artifact's folder; returns it."""
    return save_module(folder, Above(bound_hu), grid, data)


def save_module(folder: Path, module: Any, grid: Grid = GRID, data: DataFacts | None = None) -> str:
    place = folder / "Format-Serving"
    tf.saved_model.save(module, str(place), {features.SIGNATURE_HU: module.segment})
    facts = ModelFacts(grid, (-1000, 400), 0.5, stride=8, data=data or DataFacts())
    (place / MODEL_FILE).write_text(facts.to_json())
    return str(folder)
