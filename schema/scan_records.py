"""Reading the ScanRecords artifact: the record of each scan found, and warnings."""

import json
import os

import tensorflow as tf

from lungct.record import ScanRecord
from schema.files import SCANS_FILE, WARNINGS_FILE


def read_scans(folder: str) -> tuple[ScanRecord, ...]:
    """All scans found, in the order of the file.

    Args:
        folder: That of the artifact.

    Raises:
        ValueError: A line is no record.
    """
    with tf.io.gfile.GFile(os.path.join(folder, SCANS_FILE), "r") as file:
        lines = file.read().splitlines()
    return tuple(ScanRecord.from_json(line) for line in lines if line.strip())


def read_warnings(folder: str) -> tuple[str, ...]:
    """The warnings of tables and folders, one line each.

    Args:
        folder: That of the artifact.
    """
    with tf.io.gfile.GFile(os.path.join(folder, WARNINGS_FILE), "r") as file:
        return tuple(json.loads(file.read())["warnings"])
