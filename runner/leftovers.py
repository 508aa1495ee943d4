"""What killed runs left: examples that no later run will use, and much disk."""

import os
import shutil
from glob import escape, glob

from tfx.orchestration import metadata
from tfx.v1.orchestration.metadata import sqlite_metadata_connection_config

from runner.executions import FINISHED


def discard_unfinished(database: str, folder: str) -> list[str]:
    """Removes the outputs of a component's executions that never came to their end.

    Only for a component that starts from nothing each time, and while no other run is using the
    folder. A run that fails cleans up after itself; one that is killed can't.

    Args:
        database: The SQLite file of TFX's metadata.
        folder: The component's folder, which holds OUTPUT_KEY/EXECUTION.

    Returns:
        The folders that were removed.
    """
    if not os.path.isfile(database):
        return []
    with metadata.Metadata(sqlite_metadata_connection_config(database)) as handle:
        executions = handle.store.get_executions()
    unfinished = {str(e.id) for e in executions if e.last_known_state not in FINISHED}
    places = sorted(glob(os.path.join(escape(folder), "*", "*")))
    left = [place for place in places if os.path.basename(place) in unfinished]
    for place in left:
        shutil.rmtree(place)
    return left
