from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from models.holdout import Holdout
from models.ignored import IGNORED
from models.monitor import Measurement, Monitor, PooledDice
from models.slice_logits import predictor
from models.split import TrainingSplit, cuts_nodule, read_split
from schema import features
from schema.custom_config import parse
from schema.files import DATA_FILE
from schema.slices import read_run
from tests.made_scans import MadeScan, write_scan
from tests.models import synthetic

HELD_OUT = Holdout(("patient0",))
SCAN = synthetic.make_scan("patient0", 6, ((1, 6.0), (4, 4.0)))  # as in the split
TRUTH = SCAN.coverage >= features.COVERAGE_THRESHOLD
PIXELS = synthetic.ROWS * synthetic.COLUMNS


def test_training_dice_is_pooled_over_batches() -> None:
    metric = PooledDice(threshold=0.5)
    assert float(metric.result()) == 0.0
    metric.update_state(np.array([1.0, 0.6, 0.0]), np.array([3.0, -3.0, -3.0]))
    metric.update_state(np.array([0.0, 0.4, 0.0]), np.array([3.0, -3.0, 3.0]))
    # 0.6 covered is truth, 0.4 is not: overlap 1, predicted 3, true 2
    assert float(metric.result()) == pytest.approx(2 * 1 / 5)
    metric.reset_state()
    assert float(metric.result()) == 0.0


def test_threshold_is_one_of_probability() -> None:
    metric = PooledDice(threshold=0.9)
    metric.update_state(np.array([1.0, 1.0]), np.array([2.0, 2.3]))  # 0.88 and 0.91
    assert float(metric.result()) == pytest.approx(2 * 1 / 3)


def test_training_dice_counts_no_ignored_pixel() -> None:
    metric = PooledDice(threshold=0.5)
    metric.update_state(np.array([1.0, IGNORED, IGNORED]), np.array([3.0, 3.0, -3.0]))
    assert float(metric.result()) == 1.0


def with_training(split: TrainingSplit, **values: Any) -> TrainingSplit:
    training = replace(split.settings.training, **values)
    return replace(split, settings=replace(split.settings, training=training))


def everywhere(images: Any) -> Any:
    return np.full((*images.shape[:3], 1), 5.0)


def brightest(images: Any) -> Any:
    """Predicts the pixels above the mean of the transform graph; how many differs by slice."""
    return np.asarray(images)[..., 1:2]


def test_training_dice_passes_over_ignored_voxels() -> None:
    metric = PooledDice(threshold=0.5)
    metric.update_state(np.array([1.0, 0.0, IGNORED, IGNORED]), np.array([3.0, 3.0, 3.0, -3.0]))
    # overlap 1, predicted 2, true 1
    assert float(metric.result()) == pytest.approx(2 * 1 / 3)


def test_of_all_slices_the_monitor_measures_pooled_dice(split: TrainingSplit) -> None:
    measured = Monitor(split, HELD_OUT).measure(everywhere, 500)
    truth = int(TRUTH.sum())
    # Padding is cut off again.
    expected = 2 * truth / (truth + 6 * PIXELS)
    assert measured.dice == pytest.approx(expected)
    assert (measured.error, measured.slices) == (0.0, 6)


def test_what_is_found_outside_of_the_region_does_not_count(tmp_path: Path, layer: Any) -> None:
    # Four true pixels, of which the region holds two; the region has 3 x 5 pixels of one slice.
    scan = MadeScan(
        "one",
        np.full((2, synthetic.ROWS, synthetic.COLUMNS), -800, np.int16),
        np.zeros((2, synthetic.ROWS, synthetic.COLUMNS), np.uint8),
        (("n", 4.0, (1,)),),
        region=np.zeros((2, synthetic.ROWS, synthetic.COLUMNS), np.uint8),
    )
    scan.mask[1, 10:13, 20:25] = 1
    scan.coverage[1, 12:14, 20:22] = 255
    write_scan(tmp_path, scan)
    (tmp_path / DATA_FILE).write_text(synthetic.DATA_FACTS.to_json())
    patterns = synthetic.train_patterns(str(tmp_path))
    split = read_split(patterns, layer, parse(synthetic.CONFIG))
    measured = Monitor(split, Holdout(("one",))).measure(everywhere, 500)
    # Predicted everywhere: 15 pixels of the region and two true ones beside it.
    assert measured.dice == pytest.approx(2 * 4 / (4 + 17))


def few_with_nodules(split: TrainingSplit) -> Holdout:
    """Two slices with nodules, and all without."""
    with_nodules = [row for row in split.index if cuts_nodule(row)][:2]
    without = [row for row in split.index if not cuts_nodule(row)]
    assert len(without) == 8
    return Holdout((), frozenset((row.series_uid, row.index) for row in with_nodules + without))


def test_those_not_predicted_count_too(split: TrainingSplit) -> None:
    monitor = Monitor(split, few_with_nodules(split))
    # Both slices with nodules, 4 of 8 others, of which all have the same false voxels.
    part = monitor.measure(everywhere, 6)
    assert part.dice == monitor.measure(everywhere, 500).dice
    assert (part.error, part.slices) == (0.0, 6)
    truth = round(part.dice * 10 * PIXELS / (2 - part.dice))  # D = 2 T / (T + 10 slices)
    assert truth == int(TRUTH[TRUTH.any(axis=(1, 2))][:2].sum())


def test_slices_that_differ_give_an_error(split: TrainingSplit) -> None:
    monitor = Monitor(split, few_with_nodules(split))
    assert monitor.measure(brightest, 6).error > 0
    assert monitor.measure(brightest, 10).error == 0


def test_a_monitor_of_the_same_seed_measures_alike(split: TrainingSplit) -> None:
    holdout = few_with_nodules(split)
    one, two = (Monitor(split, holdout).measure(brightest, 6) for _ in range(2))
    assert one == two


def test_nothing_predicted_is_0(split: TrainingSplit) -> None:
    measured = Monitor(split, HELD_OUT).measure(lambda images: -everywhere(images), 500)
    truth = int(TRUTH.sum())
    assert measured == Measurement(0.0, 0.0, 6, {"patient0": (0.0, truth)})


def test_patients_have_their_parts_of_the_sums(split: TrainingSplit) -> None:
    measured = Monitor(split, Holdout(("patient0", "patient1"))).measure(everywhere, 500)
    truth = int(TRUTH.sum())
    assert list(measured.patients) == ["patient0", "patient1"]
    assert measured.patients["patient0"] == (2 * truth, truth + 6 * PIXELS)
    common, total = np.sum(list(measured.patients.values()), axis=0)
    assert measured.dice == pytest.approx(common / total)


def test_single_slices_can_be_held_out(split: TrainingSplit) -> None:
    held = frozenset({("series-patient1", 0), ("series-patient1", 2), ("series-patient2", 1)})
    monitor = Monitor(split, Holdout((), held))
    assert monitor.slices == 3 and monitor.measure(everywhere, 500).slices == 3


def test_the_network_sees_neighbours_and_edges_continued(split: TrainingSplit) -> None:
    seen = []

    def look(images: Any) -> Any:
        """Keeps the images."""
        seen.append(np.asarray(images))
        return everywhere(images)

    deep = replace(split.settings, model=replace(split.settings.model, levels=5))
    Monitor(replace(split, settings=deep), HELD_OUT).measure(look, 500)
    # 40 columns go on to 48, the next multiple of the stride, as in the exported model.
    assert {images.shape[1:] for images in seen} == {(32, 48, 3)}
    hu = np.clip(SCAN.hu.astype(np.float64), -1000, 400)
    image = (hu - synthetic.MEAN_HU) / synthetic.DEVIATION_HU
    image = np.concatenate([image, np.repeat(image[..., -1:], 8, axis=-1)], axis=-1)
    expected = np.stack([image[[0, *range(5)]], image, image[[*range(1, 6), 5]]], axis=-1)
    found = np.concatenate(seen)
    places = [int(np.argmin(np.abs(expected - one).sum(axis=(1, 2, 3)))) for one in found]
    assert sorted(places) == list(range(6))
    np.testing.assert_allclose(found, expected[places], atol=1e-4)


@pytest.mark.parametrize(("cache_bytes", "again"), [(10**6, 0), (PIXELS * 8 * 2, 4), (0, 6)])
def test_slices_are_read_once_as_far_as_memory_goes(
    split: TrainingSplit, monkeypatch: pytest.MonkeyPatch, cache_bytes: int, again: int
) -> None:
    reads = []

    def counted(folder: str, run: Any) -> Any:
        """Notes which slices are read."""
        reads.append([row.index for row in run])
        return read_run(folder, run)

    monkeypatch.setattr("models.monitor_slices.read_run", counted)
    # A slice takes 3 times 2 bytes a pixel for HU, 1 for truth and 1 for where it is judged.
    monitor = Monitor(with_training(split, cache_bytes=cache_bytes), HELD_OUT)
    first = monitor.measure(everywhere, 500)
    assert sorted(reads) == [[0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5], [4, 5]]
    reads.clear()
    assert monitor.measure(everywhere, 500) == first
    assert len(reads) == again


def test_slices_are_predicted_together_with_those_of_their_scan(split: TrainingSplit) -> None:
    sizes = []

    def look(images: Any) -> Any:
        """Keeps the size of the batch."""
        sizes.append(len(images))
        return everywhere(images)

    Monitor(split, Holdout(("patient0", "patient1"))).measure(look, 500)
    assert sum(sizes) == 12 and len(sizes) <= 6


def test_more_slices_are_wanted_where_the_error_was_too_large(split: TrainingSplit) -> None:
    split = with_training(split, monitor_slices=2, monitor_error=0.02)
    monitor = Monitor(split, HELD_OUT)
    assert monitor.wanted([]) == 2
    rows = [{"monitor_slices": 4, "monitor_error": 0.01}]
    assert monitor.wanted(rows) == 4
    assert monitor.wanted([*rows, {"monitor_slices": 4, "monitor_error": 0.03}]) == 6  # all


def test_the_network_is_traced_for_few_sizes() -> None:
    traces = []

    def network(image: Any, training: bool) -> Any:
        """Notes that it is traced."""
        traces.append(image.shape)
        assert training is False
        return image[..., :1]

    predict = predictor(network)
    for count, columns in ((4, 32), (3, 64), (2, 96), (1, 128), (4, 160)):
        assert predict(tf.zeros((count, 32, columns, 3))).shape == (count, 32, columns, 1)
    assert len(traces) == 2
