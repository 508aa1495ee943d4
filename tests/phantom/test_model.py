"""The phantom's truth: nodules, lungs, grids."""

import functools
from dataclasses import replace

import numpy as np
import pytest

from lungct.geometry import Geometry
from lungct.lung.mask import lung_mask
from lungct.scan import Nodule
from lungct.truth.spheres import render_spheres
from phantom.fields import sample
from phantom.model import (
    CYCLE,
    EMPTY,
    REPEATED,
    PhantomScan,
    make_scan,
    plan_scan,
    scanner_of,
)
from phantom.nodules import SHALLOWEST

SMALL = (48, 96, 96)


@functools.cache
def made(index: int) -> PhantomScan:
    return make_scan(1, index, SMALL)


@pytest.fixture(scope="module")
def scan() -> PhantomScan:
    return make_scan(seed=4, index=1, shape=(64, 144, 128))


def test_same_arguments_give_the_same_bytes() -> None:
    first, second = made(2), make_scan(1, 2, SMALL)
    assert first.hu.tobytes() == second.hu.tobytes()
    assert first.nodules == second.nodules and first.geometry == second.geometry
    assert make_scan(2, 2, SMALL).hu.tobytes() != first.hu.tobytes()


@pytest.mark.parametrize("shape", [(24, 48, 48), (90, 50, 70), (30, 128, 64)])
def test_any_shape_gives_a_chest(shape: tuple[int, int, int]) -> None:
    scan = make_scan(1, 0, shape)
    assert scan.hu.shape == scan.lung_mask.shape == scan.geometry.shape == shape
    assert scan.hu.dtype == np.int16 and scan.lung_mask.dtype == np.bool_
    litres = scan.lung_mask.sum() * scan.geometry.voxel_volume_mm3 / 1e6
    assert 2 < litres < 8


def test_grids_are_those_of_chest_ct() -> None:
    scans = [scanner_of(3, i, SMALL) for i in range(24)]
    extents = [np.multiply(s.geometry.spacing_mm, s.geometry.shape[::-1]) for s in scans]
    assert all(299 < x < 381 and 299 < y < 381 and 225 < z < 310 for x, y, z in extents)
    assert len({s.geometry.spacing_mm for s in scans}) == len(scans)
    assert len({s.geometry.origin_mm for s in scans}) == len(scans)
    assert {s.padding_hu for s in scans} >= {-2048, -2000}


def test_padding_lies_outside_the_circle_only() -> None:
    index = next(i for i in range(20) if scanner_of(3, i, SMALL).padding_hu == -3024)
    hu = make_scan(3, index, SMALL).hu
    assert (hu[:, 0, 0] == -3024).all() and (hu[:, 48, 48] > -1025).all()
    assert 0.1 < (hu == -3024).mean() < 0.3


def test_every_eighth_scan_is_empty_and_the_last_of_eight_repeats_a_patient() -> None:
    scans = [made(i) for i in range(CYCLE)]
    assert [bool(s.nodules) for s in scans] == [i != EMPTY for i in range(CYCLE)]
    assert len({s.patient_id for s in scans}) == CYCLE - 1
    assert scans[REPEATED].patient_id == scans[REPEATED - 1].patient_id
    assert len({s.series_uid for s in scans}) == CYCLE
    assert all(s.series_uid.startswith("2.25.") and len(s.series_uid) <= 64 for s in scans)


def test_ten_scans_fill_every_bucket() -> None:
    buckets = [n.bucket for i in range(10) for n in made(i).nodules]
    assert min(buckets.count(b) for b in ("3-6", "6-8", "8-15", "15+")) >= 3
    looks = [look for i in range(10) for look in made(i).looks]
    assert all(3 <= look.diameter_mm <= 30 for look in looks)
    assert {look.place for look in looks} == {"free", "pleura", "vessel"}
    assert 0.1 < np.mean([look.place == "pleura" for look in looks]) < 0.45
    assert 0.5 < np.mean([look.kind == "solid" for look in looks]) < 0.95


def test_nodules_lie_in_the_lung_apart_from_each_other() -> None:
    for scan in map(made, range(10)):
        for nodule in scan.nodules:
            z, y, x = np.rint(scan.geometry.world_to_voxel(nodule.centre_mm)).astype(int)
            # The voxels are larger than the smallest nodules at the pleura.
            assert scan.lung_mask[z - 1 : z + 2, y - 1 : y + 2, x - 1 : x + 2].any()
        for i, a in enumerate(scan.nodules):
            for b in scan.nodules[:i]:
                apart = np.linalg.norm(np.subtract(a.centre_mm, b.centre_mm))
                assert apart > (a.diameter_mm + b.diameter_mm) / 2


def test_the_lungs_mask_holds_nodules_at_the_pleura() -> None:
    for scan in map(made, range(10)):
        assert (scan.lung_mask | (scan.coverage < 128)).all()


def test_coverage_is_of_the_annotated_nodules() -> None:
    for scan in map(made, range(10)):
        millilitres = scan.coverage.sum() / 255 * scan.geometry.voxel_volume_mm3
        assert millilitres == pytest.approx(sum(n.volume_mm3 for n in scan.nodules), rel=0.02)
        for nodule, look in zip(scan.nodules, scan.looks, strict=True):
            # The pleura may cut away a part, up to half at the depths at which nodules lie.
            whole = look.diameter_mm * 1.02
            assert (0.8 if look.place == "pleura" else 0.9) * whole < nodule.diameter_mm < whole


def test_nodules_touch_the_pleura_or_lie_wholly_under_it() -> None:
    for index in (0, 1):
        plan = plan_scan(1, index, SMALL)
        centres = np.array([look.centre_mm for look in plan.looks])
        depths = -sample(plan.lattice, plan.fields["lung"], centres)
        for look, depth in zip(plan.looks, depths, strict=True):
            share = depth / look.radius_mm
            assert SHALLOWEST - 0.05 < share < 1 if look.place == "pleura" else share > 1


def test_annotations_point_at_what_was_drawn(scan: PhantomScan) -> None:
    assert len(scan.nodules) == len(scan.looks) > 0
    for nodule, look in zip(scan.nodules, scan.looks, strict=True):
        inside = wholly_inside(scan, nodule)
        if look.kind == "solid" and inside.sum() > 20:
            # Some border voxels are blurred; the middle of their HU is the nodule's.
            assert np.median(scan.hu[inside]) == pytest.approx(look.hu, abs=60)


def wholly_inside(scan: PhantomScan, nodule: Nodule) -> np.ndarray:
    """The voxels of the scan that lie wholly inside a nodule."""
    near = replace(nodule, diameter_mm=1.5 * nodule.diameter_mm)
    return (scan.coverage == 255) & (render_spheres([near], scan.geometry) > 0)


def test_solid_nodules_have_their_hu_in_the_centre() -> None:
    checked = 0
    shape = (64, 128, 128)
    quiet = [i for i in range(10) if scanner_of(1, i, shape).noise_hu < 17]
    for scan in (make_scan(1, i, shape) for i in quiet[:5]):
        for nodule, look in zip(scan.nodules, scan.looks, strict=True):
            if look.kind == "solid" and look.diameter_mm > 14:
                z, y, x = np.rint(scan.geometry.world_to_voxel(nodule.centre_mm)).astype(int)
                # Five voxels of about 3 mm in the plane, all wholly inside.
                near = [*scan.hu[z, y - 1 : y + 2, x], scan.hu[z, y, x - 1], scan.hu[z, y, x + 1]]
                assert np.mean(near) == pytest.approx(look.hu, abs=50 + 2 * look.texture_hu)
                checked += 1
    assert checked >= 3


def test_flipped_axes_keep_the_world() -> None:
    flipped = next(
        i for i in range(200) if i % CYCLE != EMPTY and _direction(20, i)[0] == -1 and _big(20, i)
    )
    scan = make_scan(20, flipped, (64, 128, 128))
    assert scan.geometry.direction == (-1, 0, 0, 0, -1, 0, 0, 0, 1)
    nodule, look = scan.nodules[0], scan.looks[0]
    inside = wholly_inside(scan, nodule)
    assert np.median(scan.hu[inside]) == pytest.approx(look.hu, abs=60)
    # The back of the patient, where the spine is, has the higher world y.
    rows = np.argwhere(scan.hu[40] > 300)[:, 0]
    assert scan.geometry.voxel_to_world([40, rows.mean(), 64])[1] > _middle(scan.geometry)[1]


def _direction(seed: int, index: int) -> tuple[float, ...]:
    return scanner_of(seed, index, (24, 48, 48)).geometry.direction


def _big(seed: int, index: int) -> bool:
    look = plan_scan(seed, index, (64, 128, 128)).looks[0]
    return look.kind == "solid" and look.diameter_mm > 12


def _middle(geometry: Geometry) -> np.ndarray:
    return geometry.voxel_to_world([(n - 1) / 2 for n in geometry.shape])


@pytest.mark.parametrize("index", [0, 2, 5])
def test_lung_mask_finds_the_phantoms_lungs(index: int) -> None:
    scan = make_scan(1, index, (96, 160, 160))
    found = lung_mask(scan.hu, scan.geometry)
    assert 2 * (found & scan.lung_mask).sum() / (found.sum() + scan.lung_mask.sum()) >= 0.97


def test_lungs_look_like_lungs(scan: PhantomScan) -> None:
    p05, p50, p95 = np.percentile(scan.hu[scan.lung_mask], (5, 50, 95))
    assert -1010 < p05 < -880 and -945 < p50 < -800 and p95 > -780
    # One lung is larger than the other, and the back is denser than the front.
    half = scan.lung_mask.shape[2] // 2
    left, right = scan.lung_mask[:, :, half:].sum(), scan.lung_mask[:, :, :half].sum()
    assert 1.02 < right / left < 1.6
    tissue = np.where(scan.lung_mask & (scan.hu < -700), scan.hu, np.nan)[30:36]
    rows = np.flatnonzero(scan.lung_mask[30:36].any(axis=(0, 2)))
    third = len(rows) // 3
    assert np.nanmean(tissue[:, rows[-third:]]) > np.nanmean(tissue[:, rows[:third]])


@pytest.mark.parametrize("index", [7, 14])
def test_lung_mask_holds_nodules_smaller_than_its_coarse_grid(index: int) -> None:
    scan = make_scan(1, index, (96, 256, 256))
    found = lung_mask(scan.hu, scan.geometry)
    for nodule in scan.nodules:
        centre = tuple(np.rint(scan.geometry.world_to_voxel(nodule.centre_mm)).astype(int))
        assert found[centre], nodule
