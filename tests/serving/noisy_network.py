"""A network of random weights as an exported model whose probabilities differ everywhere."""

from pathlib import Path
from typing import Any


def export_noisy_network(folder: Path) -> Path:
    """Exports it; returns its folder."""
    from models.export import export
    from models.preprocessing import clip_and_scale
    from models.segmenter import Segmenter
    from schema import features
    from schema.hyperparameters import Intensity
    from tests.models.made_model import CONTEXT, FACTS, SIZE, made_network

    def transform(raw: dict[str, Any]) -> dict[str, Any]:
        """Stands for the TFT layer."""
        return {features.IMAGE: clip_and_scale(raw[features.HU], Intensity())}

    export(Segmenter(made_network(), transform, CONTEXT, SIZE.stride), str(folder), FACTS)
    return folder
