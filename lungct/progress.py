"""Progress of long work, and notes for who watches, as log records that any runner shows."""

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


def note(text: str) -> None:
    """Logs what who watches should know.

    Args:
        text: One line.
    """
    logging.getLogger(LOGGER_NAME).info("%s", text, extra={"note": text})
