"""`python -m lungct.truth.lidc TAR_OR_DIR`: what a collection of LIDC XML files holds."""

import argparse
import json
import sys
from dataclasses import asdict

from lungct.exit_status import EXIT_OK, EXIT_REFUSED, EXIT_USAGE
from lungct.streams import escape_unprintable
from lungct.truth.lidc.reads import LidcError
from lungct.truth.lidc.survey import LUNA16_NODULES, Survey, survey


def main(arguments: list[str] | None = None) -> int:
    """Prints the counts; exit status 0, 4 where a file was refused, 2 with one line on stderr."""
    parser = argparse.ArgumentParser("python -m lungct.truth.lidc", description=__doc__)
    parser.add_argument("place", metavar="TAR_OR_DIR", help="folder or tar file of XML files")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    given = parser.parse_args(arguments)
    escape_unprintable()
    try:
        found = survey(given.place)
    except LidcError as error:
        print(f"lungct.truth.lidc: {error}", file=sys.stderr)
        return EXIT_USAGE
    print(json.dumps(asdict(found)) if given.json else _text(found))
    return EXIT_REFUSED if found.refused else EXIT_OK


def _text(found: Survey) -> str:
    """The counts for people."""
    lesions = ", ".join(
        f"{count} by {readers}" for readers, count in found.lesions_by_readers.items()
    )
    return "\n".join(
        [
            *(f"refused: {line}" for line in found.refused),
            *(f"warning: {line}" for line in found.warnings),
            f"{found.files} XML files of {found.series} series, {len(found.refused)} refused",
            f"{found.nodules} outlined nodules (3 mm or larger to their reader), "
            f"{found.marks} marks (smaller)",
            f"lesions by the number of readers who outlined them: {lesions or 'none'}",
            f"{found.lesions(3)} lesions outlined by at least 3 readers; "
            f"LUNA16 counts {LUNA16_NODULES} in its 888 scans",
            "Sizes are the readers' own judgement: the files hold no pixel spacing to measure by.",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
