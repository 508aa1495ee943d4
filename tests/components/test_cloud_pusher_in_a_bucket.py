"""A model that is pushed into a bucket is whole, and the file that makes it loadable comes last."""

from pathlib import Path

import fsspec
import pytest

from components.cloud_pusher import copy_model
from tests.bucket import Fault, running_bucket

NAMES = ["assets/a.txt", "model.json", "saved_model.pb", "variables/variables.index"]


def test_a_model_comes_whole_into_a_bucket_that_fails_in_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tmp_path / "Format-Serving"
    for name in NAMES:
        (model / name).parent.mkdir(parents=True, exist_ok=True)
        (model / name).write_text(f"content of {name}")
    with running_bucket(tmp_path, monkeypatch) as bucket:
        bucket.faults = [
            Fault("uploadType=resumable&name=.*variables.index", 503, times=2),
            Fault("uploadType=resumable&name=.*saved_model", 503),
        ]
        copy_model(str(model), f"gs://{bucket.name}/serving/7")
        assert [fault.seen for fault in bucket.faults] == [2, 1]
        system = fsspec.filesystem("gs")
        found = {
            path.partition("serving/7/")[2]: system.cat(path).decode()
            for path in system.find(f"{bucket.name}/serving/7")
            if not path.endswith("/")
        }
        made = [path for path in bucket.paths if "uploadType=resumable&name" in path]
    assert found == {name: f"content of {name}" for name in NAMES}
    assert "saved_model.pb" in made[-1]
