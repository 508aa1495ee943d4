"""`python -m lungct.truth.lidc TAR_OR_DIR`: what a collection of LIDC XML files holds."""

import json
import sys
from dataclasses import asdict

from lungct.command_line import Parser, run, usage_error
from lungct.exit_status import EXIT_OK, EXIT_REFUSED
from lungct.truth.lidc.reads import LidcError
from lungct.truth.lidc.survey import LUNA16_NODULES, Survey, survey
from lungct.words import counted

PROGRAM = "lungct.truth.lidc"


def main(arguments: list[str] | None = None) -> int:
    """Prints the counts.

    Args:
        arguments: The command line; None for that of the process.

    Returns:
        Exit status 0, 4 where a file was refused, 2 for usage, 1 when nobody reads the output any
        more, 130 when interrupted.
    """
    parser = Parser(f"python -m {PROGRAM}", description=__doc__)
    parser.add_argument("place", metavar="TAR_OR_DIR", help="folder or tar file of XML files")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    given = parser.parse_args(arguments)
    return run(PROGRAM, lambda: _main(given.place, given.json))


def _main(place: str, as_json: bool) -> int:
    """Exit status, unless printing fails."""
    try:
        found = survey(place)
    except LidcError as error:
        return usage_error(PROGRAM, error)
    print(json.dumps(asdict(found)) if as_json else _text(found))
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
            f"{counted(found.files, 'XML file')} of {found.series} series, "
            f"{len(found.refused)} refused",
            f"{counted(found.nodules, 'outlined nodule')} (3 mm or larger to their reader), "
            f"{counted(found.marks, 'mark')} (smaller)",
            f"lesions by the number of readers who outlined them: {lesions or 'none'}",
            f"{counted(found.lesions(3), 'lesion')} outlined by at least 3 readers; "
            f"LUNA16 counts {LUNA16_NODULES} in its 888 scans",
            "Sizes are the readers' own judgement: the files hold no pixel spacing to measure by.",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
