"""How Vertex AI is reached."""

from typing import Any


def service_host(region: str) -> str:
    """The host of Vertex AI's services in a region, such as europe-west4."""
    return f"{region}-aiplatform.googleapis.com"


def connection(region: str, transport: type[Any]) -> dict[str, Any]:
    """How a client of Google's library reaches a service of a region.

    Args:
        region: Such as europe-west4.
        transport: The client's kind of connection, for those who have a channel of their own.

    Returns:
        Arguments of a client, which looks for credentials where Google's libraries do.
    """
    del transport
    return {"client_options": {"api_endpoint": service_host(region)}}
