"""What the phantom's scanner makes of true HU."""

from dataclasses import replace

import numpy as np
import pytest

from lungct.geometry import IDENTITY
from phantom.scanner import FLIPPED, Detector, Scanner, blur_slice, draw_scanner, noise_slice
from tests.phantom.reference import PATIENT

SHAPE = (24, 60, 48)


def drawn(seed: int) -> Scanner:
    return draw_scanner(np.random.default_rng(seed), PATIENT, SHAPE)


def still(padding_hu: int | None = None) -> Scanner:
    """A scanner without noise and without blur between slices."""
    return replace(
        drawn(0),
        noise_hu=0.0,
        slice_blur=0.0,
        blur_mm=0.01,
        sharpening=0.0,
        streaks=0.0,
        padding_hu=padding_hu,
    )


def plane(hu: float) -> np.ndarray:
    return np.full(SHAPE[1:], hu, np.float32)


def test_the_grid_holds_the_lungs_and_places_them_in_the_world() -> None:
    for scanner in map(drawn, range(20)):
        z, y, x = scanner.axes_mm
        assert (len(z), len(y), len(x)) == scanner.geometry.shape == SHAPE
        # From above the apices to below the lowest corner of the left lung.
        assert z.max() > PATIENT.apex_mm and z.min() < PATIENT.left_dome_mm - 100
        first = np.array([x[0], y[0], z[0]])
        np.testing.assert_allclose(
            scanner.geometry.voxel_to_world((0, 0, 0)), first + scanner.offset_mm, atol=1e-3
        )
        last = scanner.geometry.voxel_to_world(np.subtract(SHAPE, 1))
        np.testing.assert_allclose(
            last, [x[-1], y[-1], z[-1]] + np.array(scanner.offset_mm), atol=1e-2
        )


def test_few_scanners_flip_their_axes() -> None:
    scanners = [drawn(seed) for seed in range(150)]
    flipped = [s for s in scanners if s.geometry.direction == FLIPPED]
    assert 1 <= len(flipped) <= 20
    assert all(s.geometry.direction in (IDENTITY, FLIPPED) for s in scanners)
    assert all(s.axes_mm[1][0] > s.axes_mm[1][-1] for s in flipped)
    assert all(s.axes_mm[0][0] < s.axes_mm[0][-1] for s in scanners)


def test_blur_by_hand() -> None:
    impulse = np.zeros((7, 9), np.float32)
    impulse[3, 4] = 1
    found = blur_slice(impulse, (1.0, 0.0))
    # Taps exp(-1/2) = 0.6065 and exp(-2) = 0.1353: 1 + 2 * 0.6065 + 2 * 0.1353 = 2.4837.
    np.testing.assert_allclose(
        found[:, 4], [0, 0.0545, 0.2442, 0.4026, 0.2442, 0.0545, 0], atol=1e-4
    )
    assert np.count_nonzero(found[:, :4]) == np.count_nonzero(found[:, 5:]) == 0


def test_blur_keeps_what_is_even() -> None:
    np.testing.assert_allclose(blur_slice(plane(-700.0), (1.2, 0.7)), -700, rtol=1e-5)


@pytest.mark.parametrize("grain", [-0.2, 0.0, 0.3, 0.6])
def test_noise_has_a_deviation_of_1_and_its_grain(grain: float) -> None:
    noise = noise_slice(np.random.default_rng(1), (400, 400), grain)
    assert noise.mean() == pytest.approx(0, abs=0.02) and noise.std() == pytest.approx(1, abs=0.02)
    # Rows (g, 1, g) overlap with themselves moved by one: 2 g / (1 + 2 g²).
    found = np.corrcoef(noise[1:].ravel(), noise[:-1].ravel())[0, 1]
    assert found == pytest.approx(2 * grain / (1 + 2 * grain**2), abs=0.02)


def test_streaks_run_along_rows_and_keep_the_deviation() -> None:
    noise = noise_slice(np.random.default_rng(1), (400, 400), 0.0, streaks=0.8)
    assert noise.std() == pytest.approx(1, abs=0.03)
    along, across = (
        np.corrcoef(a.ravel(), b.ravel())[0, 1]
        for a, b in ((noise[:, 1:], noise[:, :-1]), (noise[1:], noise[:-1]))
    )
    # Sums of 9 values that share 8: 8 / 9 of the streaks' part of the variance, 0.64.
    assert along == pytest.approx(0.64 * 8 / 9, abs=0.03) and across == pytest.approx(0, abs=0.03)


def test_sharp_kernels_overshoot_at_edges() -> None:
    step = plane(-900.0)
    step[:, SHAPE[2] // 2 :] = 50
    soft, hard = (
        Detector(replace(still(), blur_mm=3.0, sharpening=s), [1])(0, step, step, step, 1.0)
        for s in (0.0, 0.7)
    )
    assert soft.max() == 50 and soft.min() == -900
    assert hard.max() > 60 and hard.min() < -910
    assert (hard[:, 0] == -900).all() and (hard[:, -1] == 50).all()


def test_kernels_of_scanners_differ() -> None:
    scanners = [drawn(seed) for seed in range(60)]
    sharp = [s for s in scanners if s.blur_mm < 0.5]
    smooth = [s for s in scanners if s.blur_mm > 0.7]
    assert all(s.sharpening > 0 for s in sharp) and all(s.sharpening == 0 for s in smooth)
    assert np.mean([s.noise_hu for s in sharp]) > np.mean([s.noise_hu for s in smooth])
    assert np.mean([s.grain for s in sharp]) < np.mean([s.grain for s in smooth])
    assert 0.04 <= min(s.slice_blur for s in scanners) <= max(s.slice_blur for s in scanners) <= 0.3


def test_values_are_rounded_and_clipped() -> None:
    detector = Detector(still(), [1])
    for true, wanted in ((-2000.0, -1024), (12.4, 12), (5000.0, 3071)):
        found = detector(0, plane(0), plane(true), plane(0), 1.0)
        assert found.dtype == np.int16 and (found == wanted).all()


def test_neighbouring_slices_mix() -> None:
    detector = Detector(replace(still(), slice_blur=0.1), [1])
    # 0.1 * 100 + 0.8 * 0 + 0.1 * 300.
    assert (detector(0, plane(100), plane(0), plane(300), 1.0) == 40).all()


def test_padding_lies_outside_the_circle() -> None:
    found = Detector(still(-2000), [1])(0, plane(0), plane(0), plane(0), 1.0)
    assert found[0, 0] == found[-1, -1] == -2000
    assert (found[SHAPE[1] // 2] == 0).sum() >= SHAPE[2] - 2


def test_noise_belongs_to_seed_and_slice_and_grows_with_the_load() -> None:
    noisy = replace(still(), noise_hu=20.0)

    def scanned(seed: int, index: int, load: float = 1.0) -> np.ndarray:
        return Detector(noisy, [seed])(index, plane(0), plane(0), plane(0), load)

    np.testing.assert_array_equal(scanned(1, 4), scanned(1, 4))
    assert (scanned(1, 4) != scanned(1, 5)).any() and (scanned(1, 4) != scanned(2, 4)).any()
    assert scanned(1, 4, load=2.0).std() > 1.3 * scanned(1, 4).std()
