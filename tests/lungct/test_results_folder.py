from pathlib import Path

import pytest

from lungct.inventory import take_inventory
from lungct.results_folder import folder_apart
from lungct.roots import DataRoot
from tests.lungct.luna16 import make_root, upload


def scans_of(root):
    return take_inventory([DataRoot(root)]).scans


@pytest.mark.parametrize("place", ["", "subset0", "subset9", "subset0/../subset0"])
def test_a_folder_of_scans_takes_no_results(tmp_path, place):
    root = make_root(tmp_path / "data", {"1.2.3": "P1"})
    with pytest.raises(ValueError, match=f"expected --out apart from the scans, got '{root}"):
        folder_apart("--out", f"{root}/{place}", [root], scans_of(root))
    assert not Path(root, "subset9").exists()


def test_the_folder_of_a_file_takes_no_results(tmp_path):
    root = make_root(tmp_path / "data", {"1.2.3": "P1"})
    (scan,) = scans_of(root)
    with pytest.raises(ValueError, match="apart from the scans"):
        folder_apart("--out", f"{root}/subset0", [scan.files.path], [scan])


@pytest.mark.parametrize("place", ["data/results", "new/folder"])
def test_other_folders_are_made(tmp_path, place):
    root = make_root(tmp_path / "data", {"1.2.3": "P1"})
    made = folder_apart("--out", str(tmp_path / place), [root], scans_of(root))
    assert made == (tmp_path / place).resolve() and made.is_dir()


def test_scans_of_a_bucket_are_apart(tmp_path):
    root = upload(Path(make_root(tmp_path / "data", {"1.2.3": "P1"})), "results-folder")
    assert folder_apart("--out", str(tmp_path / "out"), [root], scans_of(root)).is_dir()
