"""Only what killed runs left is removed."""

from pathlib import Path

from ml_metadata.proto import metadata_store_pb2
from tfx.orchestration import metadata
from tfx.v1.orchestration.metadata import sqlite_metadata_connection_config

from runner.leftovers import discard_unfinished

Execution = metadata_store_pb2.Execution


def executions(database: Path, *states: int) -> list[int]:
    """Records an execution in each state; gives their numbers."""
    with metadata.Metadata(sqlite_metadata_connection_config(str(database))) as handle:
        kind = handle.store.put_execution_type(metadata_store_pb2.ExecutionType(name="kind"))
        made = [Execution(type_id=kind, last_known_state=state) for state in states]
        return list(handle.store.put_executions(made))


def test_only_what_killed_runs_left_is_removed(tmp_path: Path) -> None:
    database, folder = tmp_path / "metadata.sqlite", tmp_path / "CtExampleGen"
    whole, killed = executions(database, Execution.COMPLETE, Execution.RUNNING)
    for key in ("examples", "manifest"):
        for name in (whole, killed, 99, "notes"):
            (folder / key / str(name)).mkdir(parents=True)
    (folder / "examples" / str(killed) / "half").write_text("x")
    removed = discard_unfinished(str(database), str(folder))
    assert [Path(path).name for path in removed] == [str(killed)] * 2
    # What the metadata does not know is somebody else's.
    assert {path.name for path in folder.glob("*/*")} == {str(whole), "99", "notes"}
    assert discard_unfinished(str(database), str(folder)) == []


def test_without_metadata_nothing_is_touched(tmp_path: Path) -> None:
    (tmp_path / "examples" / "1").mkdir(parents=True)
    assert discard_unfinished(str(tmp_path / "metadata.sqlite"), str(tmp_path)) == []
    assert (tmp_path / "examples" / "1").is_dir()
