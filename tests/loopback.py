"""gRPC services of Google Cloud on loopback, by the messages and names of its own libraries."""

from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc


@dataclass(frozen=True)
class Method:
    """One method of a service.

    Attributes:
        request: Message that it takes.
        answer: Message that it gives.
        work: Gives the one for the other, or raises `Refused`.
    """

    request: Any
    answer: Any
    work: Callable[[Any], Any]


class Refused(Exception):
    """The service answers with an error."""

    def __init__(self, code: grpc.StatusCode, text: str) -> None:
        super().__init__(text)
        self.code = code


def _handler(method: Method) -> grpc.RpcMethodHandler:
    def handle(message: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method.work(message)
        except Refused as refused:
            context.abort(refused.code, str(refused))

    return grpc.unary_unary_rpc_method_handler(
        handle,
        request_deserializer=method.request.deserialize,
        response_serializer=getattr(
            method.answer, "serialize", lambda one: one.SerializeToString()
        ),
    )


@contextmanager
def serve(
    services: Mapping[str, Mapping[str, Method]],
) -> Iterator[Callable[[str, type[Any]], dict[str, Any]]]:
    """Runs services on loopback.

    Args:
        services: Methods by name, by the service's name within `google.cloud.aiplatform.v1`.

    Yields:
        What stands in for a function `connection`: from a region and a client's kind of connection
        to the client's arguments.
    """
    server = grpc.server(futures.ThreadPoolExecutor(4))
    for kind, methods in services.items():
        handlers = {name: _handler(method) for name, method in methods.items()}
        full = f"google.cloud.aiplatform.v1.{kind}"
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(full, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    channels: list[grpc.Channel] = []

    def connection(region: str, transport: type[Any]) -> dict[str, Any]:
        assert region == "europe-west4"
        channels.append(grpc.insecure_channel(f"127.0.0.1:{port}"))
        return {"transport": transport(channel=channels[-1])}

    try:
        yield connection
    finally:
        for channel in channels:
            channel.close()
        server.stop(None).wait()
