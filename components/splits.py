"""Which split a patient belongs to."""

import hashlib

from schema import features


def patient_split(
    patient_id: str, eval_fraction: float, test_fraction: float = 0.0, salt: str = ""
) -> str:
    """Assigns a patient to a split by a hash, so that growing data moves no patient.

    Args:
      patient_id: The patient; every scan of a patient lands in the same split.
      eval_fraction: Expected share of patients in the eval split, 0..1.
      test_fraction: Expected share of patients in the test split, 0..1.
      salt: Another salt gives another assignment.

    Returns:
      One of `schema.features.SPLIT_*`.

    Raises:
      ValueError: If the two fractions leave no room for training.
    """
    if not (eval_fraction >= 0 and test_fraction >= 0 and eval_fraction + test_fraction < 1):
        raise ValueError(
            "expected fractions >= 0 with a sum below 1, "
            f"got eval {eval_fraction} and test {test_fraction}"
        )
    digest = hashlib.sha256(f"{salt}\0{patient_id}".encode()).digest()
    position = int.from_bytes(digest[:8], "big") / 2**64
    if position < eval_fraction:
        return features.SPLIT_EVAL
    if position < eval_fraction + test_fraction:
        return features.SPLIT_TEST
    return features.SPLIT_TRAIN
