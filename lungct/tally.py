"""What was counted in judged scans, by patient, so that patients can be resampled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from lungct.froc.curve import Froc, Weights
from lungct.intervals import replicate_weights
from lungct.sums import COLUMNS, Sums, unpack

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, order=True)
class Key:
    """What rows are told apart by.

    Attributes:
        split: Split of the patient.
        buckets: Size buckets that the row counts in.
        patient: The patient.
        source: Name of the data root.
    """

    split: str
    buckets: tuple[str, ...]
    patient: str
    source: str

    def is_in(self, split: str | None, bucket: str | None, source: str | None) -> bool:
        """Whether the row counts in a slice; None stands for all."""
        in_bucket = bucket is None or bucket in self.buckets
        return split in (None, self.split) and in_bucket and source in (None, self.source)


@dataclass(frozen=True)
class Counts:
    """What one row, or all rows of a key together, count for one model.

    Attributes:
        vector: (columns,) int64, by `Sums.vector`.
        hits: Probabilities of the found nodules that hit an annotated one, the best for each.
        false_positives: Probabilities of those that hit none.
    """

    vector: IntArray
    hits: tuple[float, ...] = ()
    false_positives: tuple[float, ...] = ()

    def __add__(self, other: Counts) -> Counts:
        """Both together."""
        return Counts(
            self.vector + other.vector,
            self.hits + other.hits,
            self.false_positives + other.false_positives,
        )


@dataclass(eq=False)
class Part:
    """What one model has in one slice; what is worked out of it is kept.

    Attributes:
        patients: In order.
        vectors: (patients, columns) int64.
        hits: For each patient the probabilities of hits, in any order.
        false_positives: The same of false positives.
    """

    patients: tuple[str, ...]
    vectors: IntArray
    hits: tuple[tuple[float, ...], ...]
    false_positives: tuple[tuple[float, ...], ...]
    _drawn: dict[tuple[int, int], Sample] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @cached_property
    def once(self) -> Sample:
        """Each patient once."""
        return Sample(self, None)

    def drawn(self, replicates: int, seed: int) -> Sample:
        """Patients drawn with replacement, the same for the same arguments."""
        if (replicates, seed) not in self._drawn:
            weights = replicate_weights(len(self.patients), replicates, seed)
            self._drawn[replicates, seed] = Sample(self, weights)
        return self._drawn[replicates, seed]

    @cached_property
    def froc(self) -> Froc:
        """The marks, with patients as units."""
        parts = (*self.hits, *self.false_positives)
        units = np.arange(2 * len(self.patients)) % max(1, len(self.patients))
        counts = [len(part) for part in parts]
        hits = sum(counts[: len(self.patients)])
        nodules, scans = (self.vectors[:, COLUMNS.index(name)] for name in ("nodules", "scans"))
        return Froc(
            scores=np.array([score for part in parts for score in part], np.float64),
            units=np.repeat(units, counts),
            hits=np.arange(sum(counts)) < hits,
            nodules=nodules,
            scans=scans,
        )


@dataclass(frozen=True)
class Sample:
    """Patients of a part, each as often as it is drawn; what is asked for twice is kept.

    Attributes:
        part: What was counted.
        weights: (replicates, patients), how often each counts; None for each once.
    """

    part: Part
    weights: Weights | None

    @cached_property
    def sums(self) -> Sums:
        """Sums of numbers, or of arrays (replicates,)."""
        vectors = self.part.vectors
        if self.weights is None:
            return unpack(vectors.sum(axis=0, dtype=np.int64))
        # In float64 the product runs on BLAS: many times as fast, and off by a part in 2^53.
        return unpack(self.weights.astype(np.float64) @ vectors.astype(np.float64))

    @cached_property
    def sensitivities(self) -> npt.NDArray[np.float64]:
        """Sensitivity at each of `lungct.froc.curve.RATES`: (7,) or (replicates, 7)."""
        return self.part.froc.sensitivities(self.weights)


@dataclass
class Tally:
    """Counts by key and model; they can be added up in any order.

    Attributes:
        counts: By key, then by the name of the model.
    """

    counts: dict[Key, dict[str, Counts]] = field(default_factory=dict)
    _parts: dict[tuple[str | None, ...], Part] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def add(self, key: Key, counts: Mapping[str, Counts]) -> None:
        """Adds one row.

        Args:
            key: Where it counts.
            counts: Its counts by model.
        """
        self._parts.clear()
        here = self.counts.setdefault(key, {})
        for model, one in counts.items():
            here[model] = here[model] + one if model in here else one

    def merge(self, others: Iterable[Tally]) -> None:
        """Adds all rows of others."""
        for other in others:
            for key, counts in other.counts.items():
                self.add(key, counts)

    @property
    def models(self) -> frozenset[str]:
        """Names of the models that were counted."""
        return frozenset(model for counts in self.counts.values() for model in counts)

    def part(
        self,
        model: str,
        split: str | None = None,
        bucket: str | None = None,
        source: str | None = None,
    ) -> Part:
        """What one model has in a slice.

        Args:
            model: Its name.
            split: The split; None for all rows.
            bucket: The size bucket; None for all rows, each of which counts once.
            source: The data root; None for all rows.
        """
        wanted = (model, split, bucket, source)
        if wanted not in self._parts:
            self._parts[wanted] = self._gather(*wanted)
        return self._parts[wanted]

    def _gather(self, model: str, *place: str | None) -> Part:
        found: dict[str, list[Counts]] = {}
        for key, counts in self.counts.items():
            if key.is_in(*place):
                found.setdefault(key.patient, []).append(counts[model])
        patients = tuple(sorted(found))
        vectors = [np.sum([one.vector for one in found[name]], axis=0) for name in patients]
        return Part(
            patients,
            np.array(vectors, np.int64).reshape(len(patients), len(COLUMNS)),
            tuple(tuple(p for one in found[name] for p in one.hits) for name in patients),
            tuple(
                tuple(p for one in found[name] for p in one.false_positives) for name in patients
            ),
        )
