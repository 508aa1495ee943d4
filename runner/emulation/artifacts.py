"""Artifacts as Vertex AI hands them to a container: a name, a type, a URI and metadata."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_TITLE: Final = "title:"


@dataclass(frozen=True)
class Artifact:
    """One artifact.

    Attributes:
        name: By which metadata knows it, as `projects/…/artifacts/7`.
        type: As the job declares it: `schemaTitle`, or `instanceSchema` in YAML.
        uri: Its folder.
        metadata: Its properties, those of the type and others.
    """

    name: str
    type: Mapping[str, Any]
    uri: str
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Artifact":
        """Reads what `as_json` gave."""
        metadata = content.get("metadata", {})
        return cls(content["name"], content["type"], content["uri"], metadata)

    def as_json(self) -> dict[str, Any]:
        """A RuntimeArtifact of the pipeline specification."""
        return {
            "name": self.name,
            "type": dict(self.type),
            "uri": self.uri,
            "metadata": dict(self.metadata),
        }

    @property
    def title(self) -> str:
        """The type's name, such as `tfx.Model`; empty where it has none."""
        if "schemaTitle" in self.type:
            return str(self.type["schemaTitle"])
        lines = str(self.type.get("instanceSchema", "")).splitlines()
        titles = (line.partition(":")[2].strip() for line in lines if line.startswith(_TITLE))
        return next(titles, "")
