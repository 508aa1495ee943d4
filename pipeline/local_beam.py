"""How Beam runs on this machine; nothing heavy is imported here."""

from typing import Final

# In-process, deterministic and without a download; an image that is named keeps TFX from
# building a source distribution for every component that uses Beam.
LOCAL_BEAM_ARGS: Final = (
    "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner",
    "--sdk_container_image=none",
)
