"""Which errors are refusals of the data, whatever others made of them."""

import sys

from lungct.readers.tables import TableError
from lungct.storage import StorageError


def refusal_of(error: BaseException) -> str | None:
    """The text of a refusal of the data, wherever it is in the chain of causes; else None."""
    gate = sys.modules.get("components.data_gate")
    data = (TableError, StorageError)
    refusals = data if gate is None else (*data, gate.DataRefused)
    return next((str(cause) for cause in causes_of(error) if isinstance(cause, refusals)), None)


def causes_of(error: BaseException) -> list[BaseException]:
    """An error and what led to it, the last first; chains that Beam makes can be cyclic."""
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in chain:
        chain.append(cause)
        cause = cause.__cause__ or cause.__context__
    return chain
