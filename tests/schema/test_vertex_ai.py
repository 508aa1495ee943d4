"""Vertex AI has a host of its own in every region."""

from schema.vertex_ai import connection, service_host


def test_clients_go_to_the_service_of_the_region() -> None:
    assert service_host("us-east1") == "us-east1-aiplatform.googleapis.com"
    assert connection("us-east1", object) == {
        "client_options": {"api_endpoint": "us-east1-aiplatform.googleapis.com"}
    }
