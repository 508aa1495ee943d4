import logging

import pytest

from lungct.progress import LOGGER_NAME, advance


def test_progress_is_a_record_for_people_and_for_programs(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, LOGGER_NAME):
        advance("epochs", 3, 20, "Dice 0.812")
    [record] = caplog.records
    assert record.name == LOGGER_NAME and record.levelno == logging.INFO
    assert record.getMessage() == "epochs 3/20 Dice 0.812"
    assert record.progress == ("epochs", 3, 20, "Dice 0.812")
