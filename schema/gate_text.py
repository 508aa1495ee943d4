"""What was measured for a criterion of the gate, in words."""

from schema.gate import Figures, GateRow
from schema.metrics import On


def value_text(row: GateRow, figures: Figures) -> str:
    """The figure itself, whatever of it is held against the bound; a dash where there is none."""
    one = row.criterion
    if one.on is On.VALUE:
        return one.figure_text(row.measured)
    found = figures.find(one.kind, one.metric, *one.slice_key)
    return one.figure_text(None if found is None else found.value)


def bound_text(row: GateRow) -> str:
    """The bound of the figure's interval that is judged; empty where the figure itself is."""
    one = row.criterion
    return "" if one.on is On.VALUE else f"{one.on.value} bound {one.figure_text(row.measured)}"


def measured_text(row: GateRow, figures: Figures) -> str:
    """Both in one: 0.892, or 0.892 (lower bound 0.761).

    Args:
        row: A criterion and how it was judged.
        figures: What was measured.
    """
    value, bound = value_text(row, figures), bound_text(row)
    return f"{value} ({bound})" if bound and row.measured is not None else value
