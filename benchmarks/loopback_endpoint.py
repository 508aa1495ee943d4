"""An endpoint on this machine that speaks the predict protocol of Vertex AI and TF Serving.

It takes `POST …:predict` with `{"instances": […]}`, answers `{"predictions": […]}`, refuses what is
larger than Vertex AI takes, and fails as often as it is told to.
"""

import base64
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

from serving.slabs import MOST_BYTES

# From the instances of a request to the predictions of an answer, bytes as bytes in both.
Predict = Callable[[list[Any]], list[Any]]

LOST = 0  # a fault: the connection is closed in the middle of an answer


class LoopbackEndpoint:
    """An endpoint, as long as its context lasts.

    Attributes:
        url: Without `:predict`.
        faults: Statuses that the next requests are answered with, or LOST; removed one by one.
        requests: Bytes of each request that was predicted.
        answers: Bytes of each answer.
        headers: Of the last request.
    """

    def __init__(self, predict: Predict, most_bytes: int = MOST_BYTES) -> None:
        """Listens on a free port.

        Args:
            predict: What the model does.
            most_bytes: Larger requests and answers are refused with 413.
        """
        self.predict = predict
        self.most_bytes = most_bytes
        self.faults: list[int] = []
        self.requests: list[int] = []
        self.answers: list[int] = []
        self.headers: dict[str, str] = {}
        self.lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1/models/noduleflow"

    def __enter__(self) -> "LoopbackEndpoint":
        """Answers from now on."""
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        """Answers no more."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Status and answer to a request."""
        with self.lock:
            fault = self.faults.pop(0) if self.faults else None
        if fault:
            return fault, _error(f"told to answer {fault}")
        if path != "/v1/models/noduleflow:predict":
            return 404, _error(f"nothing at {path}")
        if len(body) > self.most_bytes:
            return 413, _error("Request Entity Too Large")
        try:
            instances = [_decoded(one) for one in json.loads(body)["instances"]]
            predictions = _encoded(self.predict(instances))
        except Exception as error:
            return 400, _error(str(error))
        text = json.dumps({"predictions": predictions}).encode()
        if len(text) > self.most_bytes:
            return 413, _error("the answer is too large")
        with self.lock:
            self.requests.append(len(body))
            self.answers.append(len(text))
        return (LOST if fault == LOST else 200), text


def predict_of(folder: str) -> Predict:
    """What the default signature of an exported model does, called as TF Serving does it.

    Args:
        folder: That of its `saved_model.pb`.
    """
    import tensorflow as tf

    model = tf.saved_model.load(folder)
    signature = model.signatures["serving_default"]
    specs = signature.structured_input_signature[1]

    def predict(instances: list[Any]) -> list[Any]:
        """Rows of the only output; the model is held, since its signatures refer to it weakly."""
        columns = {
            name: tf.constant([row[name] for row in instances], spec.dtype)
            for name, spec in specs.items()
        }
        (output,) = signature(**columns).values()
        rows: list[Any] = output.numpy().tolist()
        return rows if model else []

    return predict


def _handler_of(endpoint: LoopbackEndpoint) -> type[BaseHTTPRequestHandler]:
    """The handler of requests to an endpoint."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:  # noqa: N802
            """Answers."""
            body = self.rfile.read(int(self.headers["Content-Length"]))
            endpoint.headers = dict(self.headers.items())
            status, text = endpoint.answer(self.path, body)
            self.send_response(status or 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            if status == LOST:
                text = text[: len(text) // 2]
                self.close_connection = True
            self.wfile.write(text)

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    return Handler


def _decoded(value: Any) -> Any:
    """A value of JSON with bytes as bytes."""
    if isinstance(value, dict):
        if set(value) == {"b64"}:
            return base64.b64decode(value["b64"], validate=True)
        return {name: _decoded(one) for name, one in value.items()}
    return value


def _encoded(value: Any) -> Any:
    """A value for JSON with bytes as base64."""
    if isinstance(value, bytes):
        return {"b64": base64.b64encode(value).decode()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_encoded(one) for one in value]
    return value


def _error(message: str) -> bytes:
    return json.dumps({"error": message}).encode()
