"""Which executions of a component came to their end, by TFX's metadata."""

from typing import Final

from ml_metadata.proto import metadata_store_pb2

FINISHED: Final = (metadata_store_pb2.Execution.COMPLETE, metadata_store_pb2.Execution.CACHED)
