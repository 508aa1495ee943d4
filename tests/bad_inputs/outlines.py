"""Outlines of LIDC readers that are unusual, broken or hostile."""

import os

from tests.bad_inputs.case import ACCEPTED, QUARANTINED, BadInput, Case, register
from tests.lungct import chest
from tests.lungct.truth.lidc import xml

ALL: list[BadInput] = []

_Z_MM = chest.ORIGIN_MM[2] + 20 * chest.SPACING_MM[2]
_OUTLINE = xml.roi(_Z_MM, xml.square(50, 28, 5))


def _write(case: Case, *rois: str, prolog: str = "", more: str = "") -> None:
    """Four readers who outlined the same nodule."""
    session = xml.session(xml.nodule(_OUTLINE, *rois), more)
    data = xml.message(*[session] * 4, series_uid=case.header.stem, prolog=prolog)
    xml.write(case.folder, data, str(case.outlines.relative_to(case.folder)))


@register(ALL, ACCEPTED)
def outline_with_exclusion(case: Case) -> None:
    _write(case, xml.roi(_Z_MM, xml.square(51, 29, 2), "FALSE"))


@register(ALL, ACCEPTED, nodules=0)
def outline_wholly_excluded(case: Case) -> None:
    _write(case, xml.roi(_Z_MM, xml.square(49, 27, 7), "FALSE"))


@register(ALL, ACCEPTED, nodules=0)
def nothing_but_single_point_marks(case: Case) -> None:
    mark = xml.nodule(xml.roi(_Z_MM, [(20, 20)]))
    data = xml.message(*[xml.session(mark)] * 4, series_uid=case.header.stem)
    xml.write(case.folder, data, str(case.outlines.relative_to(case.folder)))


@register(ALL, ACCEPTED)
def single_point_marks(case: Case) -> None:
    _write(case, more=xml.nodule(xml.roi(_Z_MM, [(20, 20)]), name="small"))


@register(ALL, ACCEPTED, "z of 5000 mm is on no slice")
def outline_on_no_slice(case: Case) -> None:
    _write(case, xml.roi(5000, xml.square(50, 28, 5)))


@register(ALL, QUARANTINED, "within 80 columns and 60 rows, got column 206")
def outline_of_another_image(case: Case) -> None:
    _write(case, xml.roi(_Z_MM, xml.square(200, 28, 5)))


@register(ALL, QUARANTINED, "series 1.2.3, got 9.9 in .*lidc/1.2.3.xml")
def outlines_of_another_series(case: Case) -> None:
    # The comment hides the series from a look at the head, so the name of the file decides.
    data = xml.message(xml.session(), series_uid="<!-- -->9.9")
    xml.write(case.folder, data, str(case.outlines.relative_to(case.folder)))


@register(ALL, QUARANTINED, "imageZposition in mm, got 'nan' .*lidc/1.2.3.xml")
def outline_at_no_height(case: Case) -> None:
    _write(case, xml.roi("nan", xml.square(50, 28, 5)))


@register(ALL, QUARANTINED, "well-formed XML, got .*lidc/1.2.3.xml")
def outlines_empty(case: Case) -> None:
    xml.write(case.folder, b"", str(case.outlines.relative_to(case.folder)))


@register(ALL, QUARANTINED, "LidcReadMessage .*, got html .*lidc/1.2.3.xml")
def outlines_of_another_kind(case: Case) -> None:
    xml.write(case.folder, b"<html/>", str(case.outlines.relative_to(case.folder)))


@register(ALL, QUARANTINED, "readable outlines, got .*lidc/1.2.3.xml")
def outlines_in_a_folder(case: Case) -> None:
    case.outlines.mkdir(parents=True)


@register(ALL, QUARANTINED, "outlines.*, got .*lidc/1.2.3.xml")
def outlines_in_a_pipe(case: Case) -> None:
    case.outlines.parent.mkdir()
    os.mkfifo(case.outlines)


@register(ALL, QUARANTINED, "well-formed XML, got .*lidc/1.2.3.xml")
def outlines_cut_short(case: Case) -> None:
    _write(case)
    case.outlines.write_bytes(case.outlines.read_bytes()[:-100])


@register(ALL, QUARANTINED, "without a document type, got <!DOCTYPE x> in .*lidc/1.2.3.xml")
def entity_bomb(case: Case) -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 9))
    prolog = f'<!DOCTYPE x [<!ENTITY e0 "aaaaaaaaaa">{entities}]>'
    _write(case, prolog=prolog, more="&e8;")


@register(ALL, QUARANTINED, "without a document type, got <!DOCTYPE x>")
def entity_that_reads_a_file(case: Case) -> None:
    _write(case, prolog='<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>', more="&e;")
