"""Criteria of every kind, for tests."""

from dataclasses import replace

from schema.criteria import Comparison, Criterion
from schema.metrics import Kind, On

LOW = Criterion("pooled_dice", "eval", "all", Comparison.AT_LEAST, 0.5)
HIGH = Criterion("recall", "eval", "8-15", Comparison.AT_MOST, 0.75)
CHANGE = replace(LOW, bound=-0.03125, kind=Kind.CHANGE)
RISE = replace(CHANGE, comparison=Comparison.AT_MOST, bound=0.125)
GAP = replace(RISE, kind=Kind.GAP)
SURE = replace(HIGH, on=On.UPPER)
NO_WORSE = replace(CHANGE, on=On.LOWER)
OF_ROOT = replace(HIGH, source="crops")
ALL = [LOW, HIGH, CHANGE, RISE, GAP, SURE, NO_WORSE, OF_ROOT]
