"""How Google Cloud writes names: what is malformed, or was never filled in, is said before use.

A configuration that comes along holds words in capitals, such as PROJECT, for the user to replace.
They may be read (this machine's commands have no use for them) and never sent: every type here is
checked where the validation's context is `CLOUD`, and else taken as it is.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

from pydantic import AfterValidator, ValidationInfo

# Context of a validation: the configuration is to be used on Google Cloud.
CLOUD: Final = "cloud"

# Nothing but a display name has a use for words in capitals.
_PLACEHOLDER: Final = re.compile(r"[A-Z][A-Z_]{2,}")
_VERSION: Final = re.compile(r":v?(\d+)\.(\d+)[^/@]*@|tf2?-[cg]pu\.(\d+)-(\d+)")
_SERVICE_ACCOUNT: Final = (
    r"[a-z][a-z0-9-]{4,28}[a-z0-9]@[a-z0-9.-]+\.iam\.gserviceaccount\.com"
    r"|\d+-compute@developer\.gserviceaccount\.com"
)
_DISPLAY_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,127}")
_LABEL_KEY: Final = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL_VALUE: Final = re.compile(r"[a-z0-9_-]{0,63}")


def fault_of(value: str, pattern: str, expected: str) -> str:
    """Says what is wrong with a name.

    Args:
        value: The name.
        pattern: What the whole of it must match.
        expected: That in words.

    Returns:
        One line without the name of the key; empty where nothing is wrong.
    """
    # What lies in a bucket may be called as one likes.
    checked = value.split("/")[2] if value.startswith("gs://") else value
    if _PLACEHOLDER.search(checked):
        return f"expected {expected}, got the placeholder {value}"
    if not re.fullmatch(pattern, value):
        return f"expected {expected}, got {value!r}"
    return ""


def _written(pattern: str, expected: str) -> AfterValidator:
    """A check of a text; an empty one, where that is the default, is left out."""

    def check(value: str, info: ValidationInfo) -> str:
        fault = fault_of(value, pattern, expected) if info.context == CLOUD else ""
        if fault:
            raise ValueError(fault)
        return value

    return AfterValidator(check)


def _may_be_empty(pattern: str) -> str:
    return f"|{pattern}"


def _checked_display_name(value: str, info: ValidationInfo) -> str:
    """A name for people, which may hold words in capitals and be none."""
    fault = ""
    if info.context == CLOUD and _PLACEHOLDER.fullmatch(value):
        fault = f"got the placeholder {value}"
    elif info.context == CLOUD and not _DISPLAY_NAME.fullmatch(value):
        fault = f"got {value!r}"
    if fault:
        raise ValueError(f"expected a display name of up to 128 characters, {fault}")
    return value


BUCKET_FOLDER: Final = r"gs://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9](/[^/*?\[\]]+)*/?"

Project = Annotated[
    str,
    _written(
        r"([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]",
        "the id of a project (6 to 30 lower-case letters, digits and hyphens)",
    ),
]
Region = Annotated[
    str, _written(r"[a-z]+-[a-z]+\d{1,2}", "a region such as europe-west4 (and no zone)")
]
BucketFolder = Annotated[str, _written(BUCKET_FOLDER, "a folder in a bucket, gs://...")]
OptionalBucketFolder = Annotated[
    str, _written(_may_be_empty(BUCKET_FOLDER), "a folder in a bucket, gs://...")
]
# A tag can be moved to another image, and then the cache is wrong and a run can't be repeated.
Image = Annotated[
    str,
    _written(
        r"[a-z0-9.-]+(:\d+)?(/[a-z0-9._-]+)+(:[A-Za-z0-9._-]+)?@sha256:[0-9a-f]{64}",
        "an image by its digest, HOST/PATH@sha256: and 64 hexadecimal digits",
    ),
]
OptionalServiceAccount = Annotated[
    str,
    _written(
        _may_be_empty(_SERVICE_ACCOUNT),
        "a service account such as runner@my-project.iam.gserviceaccount.com",
    ),
]
# Vertex AI takes a network of the project's number; Dataflow a name or a subnetwork.
OptionalNetwork = Annotated[
    str,
    _written(
        r"|projects/\d+/global/networks/[a-z][a-z0-9-]*",
        "a network such as projects/NUMBER/global/networks/my-network, by the project's number",
    ),
]
OptionalNetworkName = Annotated[
    str, _written(r"|[a-z][a-z0-9-]{0,62}", "the name of a network such as my-network")
]
OptionalSubnetwork = Annotated[
    str,
    _written(
        r"|(https://www\.googleapis\.com/compute/v1/projects/[a-z0-9-]+/)?"
        r"regions/[a-z0-9-]+/subnetworks/[a-z][a-z0-9-]*",
        "a subnetwork such as regions/europe-west4/subnetworks/my-subnetwork",
    ),
]
MachineType = Annotated[
    str,
    _written(r"[a-z][a-z0-9]*-[a-z]+-\d+[a-z]*(-[a-z]+)?", "a machine type such as n2-standard-4"),
]
OptionalMachineType = Annotated[
    str,
    _written(r"|[a-z][a-z0-9]*-[a-z]+-\d+[a-z]*(-[a-z]+)?", "a machine type such as n2-standard-4"),
]
EndpointName = Annotated[str, AfterValidator(_checked_display_name)]


def _checked_labels(labels: Mapping[str, str], info: ValidationInfo) -> dict[str, str]:
    faults = list(_label_faults(labels)) if info.context == CLOUD else []
    if faults:
        raise ValueError("; ".join(faults))
    return dict(labels)


def _label_faults(labels: Mapping[str, str]) -> Iterator[str]:
    for key, value in labels.items():
        if not _LABEL_KEY.fullmatch(key) or not _LABEL_VALUE.fullmatch(value):
            expected = "a label of lower-case letters, digits, _ and -, at most 63 of each"
            yield f"expected {expected}, got {key}: {value}"


Labels = Annotated[dict[str, str], AfterValidator(_checked_labels)]


def tensorflow_of(image: str) -> tuple[int, int] | None:
    """The version of TensorFlow that the name of a serving image tells.

    Args:
        image: Such as `.../tensorflow-serving:2.16.1@sha256:...` or `.../tf2-cpu.2-15@...`.

    Returns:
        Major and minor version; None where the name does not tell.
    """
    found = _VERSION.search(image)
    if found is None:
        return None
    numbers: Any = [int(number) for number in found.groups() if number is not None]
    return numbers[0], numbers[1]


def minor_version(version: str) -> tuple[int, int]:
    """Major and minor number of a version such as 2.16.2."""
    major, minor, *_ = version.split(".")
    return int(major), int(minor)
