"""What superseded runs left: their large artifacts, which no later run needs."""

import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2

from runner.executions import FINISHED
from schema.files import ARTIFACTS_FOLDER, METADATA_FILE
from schema.outputs import PASSED_OVER_KEY, PUSHED_DESTINATION

# Reports, metrics, statistics and the tables of scans are kept: they are small, and are what runs
# are compared by.
LARGE_TYPES: Final = ("Examples", "Model", "ModelRun", "components.Predictions")

_Artifact = metadata_store_pb2.Artifact
_Event = metadata_store_pb2.Event


@dataclass(frozen=True)
class Removed:
    """The folder of an artifact, and how much disk it took."""

    folder: str
    size_bytes: int


def has_runs(output: str) -> bool:
    """Whether a folder is the output of runs."""
    return os.path.isfile(os.path.join(output, METADATA_FILE))


def remove_superseded(output: str, keep: int) -> Iterator[Removed]:
    """Removes the large artifacts that neither the last runs nor the pushed model need.

    A run that failed or was killed supersedes nothing and is not counted; what it made is kept,
    for the next run may go on from there. An artifact is first marked as deleted in the metadata,
    where TFX's cache and resolvers pass it over, so that a half removed folder is never used.

    Args:
        output: Output folder of runs, which no run is using.
        keep: How many finished runs to keep, at least 1.

    Yields:
        What was removed, as it is removed.

    Raises:
        ValueError: If fewer than one run is to be kept.
    """
    if keep < 1:
        raise ValueError(f"expected at least 1 run to keep, got {keep}")
    store = _open(os.path.join(output, METADATA_FILE))
    needed = _needed_by_runs(store, keep) | _needed_by_pushes(store)
    root = os.path.realpath(os.path.join(output, ARTIFACTS_FOLDER))
    for kind in LARGE_TYPES:
        for artifact in store.get_artifacts_by_type(kind):
            folder = os.path.realpath(artifact.uri)
            # A moved output folder still names its artifacts where they were.
            inside = os.path.commonpath((root, folder)) == root != folder
            if artifact.id not in needed and inside and os.path.isdir(folder):
                artifact.state = _Artifact.DELETED
                store.put_artifacts([artifact])
                removed = Removed(folder, size_of(folder))
                shutil.rmtree(folder)
                yield removed


def size_of(folder: str) -> int:
    """Disk that the files of a folder take.

    Args:
        folder: Where to look, at any depth.

    Returns:
        Bytes, in whole blocks of the disk.
    """
    paths = (path for path in Path(folder).rglob("*") if not path.is_symlink())
    return sum(path.stat().st_blocks * 512 for path in paths if path.is_file())


def _open(database: str) -> mlmd.MetadataStore:
    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = database
    config.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READWRITE
    return mlmd.MetadataStore(config)


def _needed_by_runs(store: mlmd.MetadataStore, keep: int) -> set[int]:
    """What the last finished runs, and all after the first of these, took and made."""
    needed: set[int] = set()
    runs = sorted(store.get_contexts_by_type("pipeline_run"), key=lambda run: int(run.id))
    for run in reversed(runs):
        executions = store.get_executions_by_context(run.id)
        needed |= _artifacts_of(store, (execution.id for execution in executions))
        if all(execution.last_known_state in FINISHED for execution in executions):
            keep -= 1
        if keep == 0:
            break
    return needed


def _needed_by_pushes(store: mlmd.MetadataStore) -> set[int]:
    """What the newest push to each serving folder was made from."""
    pushes = sorted(store.get_artifacts_by_type("PushedModel"), key=lambda push: int(push.id))
    newest: dict[str, int] = {}
    for push in pushes:
        place = str(push.custom_properties[PUSHED_DESTINATION].string_value)
        if place:
            newest[os.path.dirname(place)] = push.id
    events = store.get_events_by_artifact_ids(list(newest.values())) if newest else []
    return _artifacts_of(
        store, (event.execution_id for event in events if event.type == _Event.OUTPUT)
    )


def _artifacts_of(store: mlmd.MetadataStore, executions: Iterable[int]) -> set[int]:
    """What executions took and made, but for models that they did not compare with."""
    numbers = list(executions)
    events = store.get_events_by_execution_ids(numbers) if numbers else []
    return {
        int(event.artifact_id)
        for event in events
        if PASSED_OVER_KEY not in (step.key for step in event.path.steps)
    }
