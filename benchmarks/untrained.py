"""A network that has learnt nothing, for what time, memory and requests are measured with."""

import dataclasses
from typing import Any

import numpy as np

from lungct.grid import Grid
from lungct.inventory import FoundScan
from lungct.processing import prepare, to_working_volume
from lungct.slices import WorkingVolume
from schema.thresholds import Thresholds
from serving.served import ServedModel

_PREDICTED = 1e-3  # share of the region's voxels that are predicted


def export_network(config_path: str, base_filters: int | None, directory: str) -> None:
    """Exports a network of the size that a configuration gives, or with other base filters."""
    from models.export import export
    from models.networks.build import build_network
    from models.preprocessing import clip_and_scale
    from models.segmenter import Segmenter
    from pipeline.loading import load_config
    from schema import features
    from schema.model_facts import ModelFacts

    config = load_config(config_path, output=directory)
    size = dataclasses.replace(config.model, base_filters=base_filters or config.model.base_filters)

    def transform(raw: dict[str, Any]) -> dict[str, Any]:
        """Stands for the transform graph, which costs as much."""
        return {features.IMAGE: clip_and_scale(raw[features.HU], config.intensity)}

    network = build_network(size, config.grid.channels)
    segmenter = Segmenter(network, transform, config.grid.context, size.stride)
    facts = ModelFacts(config.grid, config.intensity.window_hu, 0.5, size.stride)
    export(segmenter, directory, facts)
    print(f"{config_path}: {network.count_params()} parameters, context {config.grid.context}")


def working_volume(found: FoundScan, grid: Grid) -> WorkingVolume:
    """A scan on the working grid, as the model takes it."""
    return to_working_volume(prepare(found), grid)


def thresholds_of(model: ServedModel, volume: WorkingVolume) -> Thresholds:
    """Thresholds by which a thousandth of the region is predicted."""
    inside = model.segment(volume.hu)[volume.region.box][volume.region.mask]
    return Thresholds(float(np.quantile(inside, 1 - _PREDICTED)))
