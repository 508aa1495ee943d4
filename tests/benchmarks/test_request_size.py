import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from benchmarks.request_size import main


def test_prints_how_many_slices_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "scan.mhd"
    image = sitk.GetImageFromArray(np.zeros((6, 16, 20), np.int16))
    image.SetSpacing((1, 2, 3))
    sitk.WriteImage(image, str(path))
    monkeypatch.setattr(sys, "argv", ["request_size", str(path), "--slices", "2", "4"])
    main()
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "2 slices of 16 x 20",
        "4 slices of 16 x 20",
    ]
    assert lines[0].endswith("slices in 1.5 MB")
