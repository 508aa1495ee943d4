"""The command line of `serving.segment` with an endpoint."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from benchmarks.loopback_endpoint import LoopbackEndpoint, predict_of
from schema.files import MODEL_FILE
from serving.segment import main
from tests.serving import bright_endpoint
from tests.serving.noisy_network import export_noisy_network

ROOT = Path(__file__).resolve().parents[2]


def test_a_scan_by_an_endpoint_gives_the_same_files(
    scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exported network answers behind the endpoint, and itself; requests are small ones."""
    model = export_noisy_network(tmp_path / "model" / "7")
    (tmp_path / "facts").mkdir()
    (tmp_path / "facts" / MODEL_FILE).write_text((model / MODEL_FILE).read_text())
    given = [str(scans / "subset0" / "1.2.1.mhd"), "--json", "--probabilities"]
    given += ["--threshold", "0.01"]  # the network has learnt nothing
    assert main([*given, "--model", str(model.parent), "--out", str(tmp_path / "here")]) == 0
    with LoopbackEndpoint(predict_of(str(model)), 60_000) as server:
        options = ["--endpoint", server.url, "--max-request-mb", "0.05"]
        facts = ["--model", str(tmp_path / "facts")]
        assert main([*given, *facts, *options, "--out", str(tmp_path / "there")]) == 0
    here, there = map(json.loads, capsys.readouterr().out.splitlines())
    assert len(server.requests) > 2 and max(server.requests) < 50_000
    masks = [Path(one["files"]["mask"]).read_bytes() for one in (here, there)]
    assert masks[0] == masks[1] and there["done"]["model"] == server.url
    found, expected = (
        sitk.GetArrayFromImage(sitk.ReadImage(one["files"]["probability"])) for one in (there, here)
    )
    # A newer TensorFlow adds in another order for another number of slices at a time, and what is
    # small is rounded to 2^-16 after that.
    np.testing.assert_allclose(found, expected, atol=1.1 * 2**-16)
    assert here["nodules"] and len(there["nodules"]) == len(here["nodules"])
    for one, other in zip(there["nodules"], here["nodules"], strict=True):
        assert one.pop("probability") == pytest.approx(other.pop("probability"), abs=1e-5)
        assert one == other


def test_an_endpoint_that_refuses_is_one_line(
    models: Path, scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with LoopbackEndpoint(bright_endpoint.predict) as server:
        server.faults = [403] * 20
        options = ["--model", str(models / "9"), "--endpoint", server.url]
        assert main([str(scans), *options, "--out", str(tmp_path / "out")]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    assert err.startswith(f"serving.segment: expected an answer of {server.url}, got 403 (told")


def test_an_endpoint_needs_no_tensorflow(models: Path, scans: Path, tmp_path: Path) -> None:
    code = (
        "import sys\nimport serving.segment\nstatus = serving.segment.main(sys.argv[1:])\n"
        "print(status, *({'tensorflow', 'tfx', 'apache_beam', 'models'} & set(sys.modules)))"
    )
    with LoopbackEndpoint(bright_endpoint.predict) as server:
        given = [str(scans / "subset0" / "1.2.1.mhd"), "--model", str(models / "9")]
        given += ["--endpoint", server.url, "--out", str(tmp_path / "out")]
        command = [sys.executable, "-c", code, *given]
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "0" and run.stderr == ""
    assert (tmp_path / "out" / "1.2.1_nodules.csv").is_file()
