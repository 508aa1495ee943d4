"""What must be known of figures of a model on data that it was not made for."""

from collections.abc import Iterator

from lungct.words import counted, noun
from schema import features
from schema.model_facts import DataFacts


def seen_patients(model: DataFacts, data: DataFacts) -> dict[str, int]:
    """How many of today's patients were in the data that a model was made from.

    Args:
        model: What the model was made from.
        data: What is judged today.

    Returns:
        By the model's split, where there are any.
    """
    judged = {patient for patients in data.patients.values() for patient in patients}
    found = {split: len(judged & set(model.patients.get(split, ()))) for split in features.SPLITS}
    return {split: count for split, count in found.items() if count}


def data_warnings(model: DataFacts, data: DataFacts) -> tuple[str, ...]:
    """What must be known of figures of these data, one line each.

    Args:
        model: What the model was made from.
        data: What is judged today.
    """
    return tuple(_data_warnings(model, data))


def _data_warnings(model: DataFacts, data: DataFacts) -> Iterator[str]:
    seen = seen_patients(model, data)
    total = sum(map(len, data.patients.values()))
    if seen:
        where = ", ".join(f"{count} in its {split} split" for split, count in seen.items())
        yield (
            f"{sum(seen.values())} of {counted(total, 'patient')} "
            f"{noun(sum(seen.values()), 'was', 'were')} in the data of the model ({where}): "
            "their figures are no external validation"
        )
    if not model.patients:
        yield "the model does not say which patients it was trained on: they may be among these"
    for what, ours, theirs in (
        ("truth", model.truths, data.truths),
        ("region", model.regions, data.regions),
    ):
        if set(theirs) - set(ours):
            yield (
                f"the model was trained with {what} {_words(ours)}; "
                f"these data have {_words(theirs)}"
            )


def _words(values: tuple[str, ...]) -> str:
    return ", ".join(values) or "unknown"
