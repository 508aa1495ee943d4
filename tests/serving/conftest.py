"""Models and scans for the command line."""

from pathlib import Path

import pytest

from lungct.grid import Grid
from lungct.readers.metaimage import write_scan
from lungct.scan import Nodule
from tests.lungct import chest
from tests.serving.bright_model import save_bright_model

NODULE = Nodule("1", chest.middle_mm(x=70, z=20), 20.0)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of versions, of which the newest is no model."""
    folder = tmp_path_factory.mktemp("serving")
    save_bright_model(folder / "9", Grid((5.0, 3.0, 3.5)))
    save_bright_model(folder / "10", Grid((5.0, 4.0, 4.0)))
    (folder / "11").mkdir()
    return folder


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Three scans, of which the second has lost its voxels."""
    hu = chest.with_nodule(chest.hu(), NODULE)
    for number in (1, 2, 3):
        path = tmp_path / "scans" / "subset0" / f"1.2.{number}.mhd"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_scan(str(path), hu, chest.GEOMETRY)
    path.with_name("1.2.2.raw").unlink()
    return tmp_path / "scans"
