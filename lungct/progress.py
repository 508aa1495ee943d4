"""Progress of long work as log records, emitted by any worker and shown by any runner."""

import logging

LOGGER_NAME = "noduleflow.progress"


def advance(step: str, done: int, total: int, note: str = "") -> None:
    """Logs that `done` of `total` units of `step` are finished.

    Args:
        step: What is being done, such as "scans" or "epochs".
        done: Units finished so far.
        total: Units in all.
        note: A few words beside the bar, such as the figure of the last epoch.
    """
    logging.getLogger(LOGGER_NAME).info(
        "%s %d/%d %s", step, done, total, note, extra={"progress": (step, done, total, note)}
    )
