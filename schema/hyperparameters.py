"""What the pipeline hands to Transform and Trainer as plain JSON, as frozen typed objects.

The one home of these names, their defaults and their ranges: they are sections of the
configuration file, which the runner validates with them, and what a Trainer on a cluster, which
receives JSON, checks once more.
"""

import math
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Final, Literal, get_args

from lungct.grid import Grid
from schema.thresholds import Thresholds

# Number format of training; "auto" takes what the device has.
Precision = Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"]
# Networks that `models.networks.build` makes.
NetworkKind = Literal["unet", "unet_25d"]
Normalisation = Literal["batch", "layer", "none"]
# What `models.losses` makes: a term for the overlap of a crop and one for its voxels.
LossKind = Literal["dice_cross_entropy", "tversky_cross_entropy", "dice_focal"]

# Read by pydantic where the configuration is validated: a key that is none of ours is an error.
_STRICT: Final = {"extra": "forbid"}


@dataclass(frozen=True)
class Intensity:
    """How Hounsfield units become network input."""

    __pydantic_config__: ClassVar[Any] = _STRICT

    window_hu: tuple[int, int] = (-1000, 400)

    def __post_init__(self) -> None:
        """Refuses an empty window, and bounds that are no whole numbers."""
        low, high = self.window_hu
        holds = low == int(low) and high == int(high) and low < high
        _require(holds, "window_hu of a lower and an upper whole number", self.window_hu)
        object.__setattr__(self, "window_hu", (int(low), int(high)))


@dataclass(frozen=True)
class UNet:
    """Kind and size of the network."""

    __pydantic_config__: ClassVar[Any] = _STRICT

    kind: NetworkKind = "unet"
    base_filters: int = 16  # channels at full resolution, doubled at each level below
    levels: int = 4  # resolutions, the full one included
    dropout: float = 0.2  # share of feature maps dropped
    dropout_levels: int = 1  # the deepest levels, which have dropout
    max_filters: int = 256  # no level has more channels than this
    normalisation: Normalisation = "batch"
    residual: bool = True  # a shortcut past the second convolution of a block
    attention: bool = False  # skip connections are weighed by what the deeper levels saw
    deep_supervision: bool = False  # in training deeper levels predict too
    slice_levels: int = 1  # of unet_25d: levels at which each slice is encoded by itself

    def __post_init__(self) -> None:
        """Refuses what builds no network."""
        _require_known("kind", self.kind, NetworkKind)
        _require_known("normalisation", self.normalisation, Normalisation)
        _require(self.base_filters >= 1, "at least 1 base filter", self.base_filters)
        _require(self.levels >= 1, "at least 1 level", self.levels)
        _require(0 <= self.dropout < 1, "dropout in [0, 1)", self.dropout)
        levels = f"dropout_levels from 0 to the {self.levels} levels"
        _require(0 <= self.dropout_levels <= self.levels, levels, self.dropout_levels)
        _require(self.max_filters >= 1, "at least 1 filter as maximum", self.max_filters)
        if self.kind == "unet_25d":
            holds = 1 <= self.slice_levels < self.levels
            fewer = f"slice_levels from 1 to less than {self.levels} levels"
            _require(holds, fewer, self.slice_levels)

    @property
    def stride(self) -> int:
        """Pixels of the input that one pixel of the deepest level covers."""
        return 1 << (self.levels - 1)


@dataclass(frozen=True)
class Augmentation:
    """How training crops are varied; 0 or False turns one of them off."""

    __pydantic_config__: ClassVar[Any] = _STRICT

    flip: bool = True  # left and right, front and back
    rotate: bool = True  # by quarter turns: exact for image and truth alike
    flip_slices: bool = False  # up and down: the neighbours of a slice in reverse order
    jitter: float = 0.25  # how far a nodule may be from the crop's centre, in crop sizes
    zoom: float = 0.0  # largest relative change of size in plane
    turn_degrees: float = 0.0  # largest small turn, to either side
    elastic_pixels: float = 0.0  # largest displacement, each way, by a smooth random field
    thickness: float = 0.0  # largest share that the neighbours of a slice get in it
    blur_pixels: float = 0.0  # largest standard deviation of a Gaussian blur
    bend: float = 0.0  # largest bend of the grey values between the ends of the window
    shift_hu: float = 30.0  # largest offset of a whole crop
    scale: float = 0.1  # largest relative change of contrast
    noise_hu: float = 20.0  # largest standard deviation of added noise
    noise_grain_pixels: float = 0.0  # largest standard deviation of the Gaussian that filters it

    def __post_init__(self) -> None:
        """Refuses negative amounts, and amounts at which a label would no longer be right."""
        for item in fields(self):
            value = getattr(self, item.name)
            _require(value >= 0, f"{item.name} of at least 0", value)
        for name, largest in (
            # A nodule stays in its crop; a field folds nothing, see models/deformation.py.
            *(("jitter", 0.5), ("zoom", 0.3), ("turn_degrees", 45.0), ("elastic_pixels", 3.0)),
            # Three equal slices at most; no grey value passes another, see models/scanner.py.
            *(("thickness", 2 / 3), ("bend", 0.9)),
        ):
            value = getattr(self, name)
            unit = " crop sizes" if name == "jitter" else ""
            _require(value <= largest, f"{name} of at most {largest:.3g}{unit}", value)


@dataclass(frozen=True)
class Loss:
    """What training lowers, see `models.losses`."""

    __pydantic_config__: ClassVar[Any] = _STRICT

    kind: LossKind = "dice_cross_entropy"
    alpha: float = 0.3  # of tversky: weight of what is predicted falsely
    beta: float = 0.7  # of tversky: weight of what is missed
    gamma: float = 2.0  # of focal: how much voxels that are right already are passed over

    def __post_init__(self) -> None:
        """Refuses a kind that there is not, and weights that lead nowhere."""
        _require_known("kind", self.kind, LossKind)
        _require(self.alpha > 0, "a positive alpha", self.alpha)
        _require(self.beta > 0, "a positive beta", self.beta)
        _require(self.gamma >= 1, "gamma of at least 1", self.gamma)


@dataclass(frozen=True)
class Balance:
    """How often groups are drawn for training: in proportion to a power of their size.

    With 1 each slice counts alike, so that what is frequent prevails; with 0 each group does. Data
    roots that `Training.shares` names have these shares instead.
    """

    __pydantic_config__: ClassVar[Any] = _STRICT

    sources: float = 1.0  # data roots, by their slices
    sizes: float = 0.5  # size buckets of nodules, by the slices that cut them
    patients: float = 0.5  # within source and size

    def __post_init__(self) -> None:
        """Refuses powers that are no share."""
        for name in ("sources", "sizes", "patients"):
            _require(0 <= getattr(self, name) <= 1, f"{name} in [0, 1]", getattr(self, name))


@dataclass(frozen=True)
class Training:
    """How the network is trained."""

    __pydantic_config__: ClassVar[Any] = _STRICT

    epochs: int = 30
    steps_per_epoch: int = 60
    batch_size: int = 16
    learning_rate: float = 1e-3
    warmup_fraction: float = 0.05  # of all steps, before the cosine begins
    weight_decay: float = 1e-4
    crop_size: int = 96
    nodule_fraction: float = 0.7  # of the crops that are centred near a nodule
    hard_negatives: float = 0.0  # of the visits to no nodule: near false positives, see mining
    crops_per_visit: int = 6  # drawn each time that a scan is opened
    shares: dict[str, float] = field(default_factory=dict)  # of the crops, by name of data root
    balance: Balance = field(default_factory=Balance)
    loss: Loss = field(default_factory=Loss)
    bce_weight: float = 0.5  # of the loss by voxels; the rest is that by overlap
    average_weights: float = 0.0  # momentum of the average that is measured and kept; 0: none
    patience: int = 8  # epochs without a better monitor Dice before training stops
    monitor_fraction: float = 0.15  # of the train patients, held out for early stopping
    monitor_slices: int = 500  # whole slices that are predicted after an epoch, at first
    monitor_error: float = 0.02  # standard error of their Dice, above which they become more
    mixed_precision: Precision = "auto"
    cache_bytes: int = 1_500_000_000  # HU kept in memory; other slices are read when drawn
    seed: int = 1
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        """Refuses values that train nothing."""
        for name in (
            *("epochs", "steps_per_epoch", "batch_size"),
            *("crop_size", "crops_per_visit", "monitor_slices"),
        ):
            _require(getattr(self, name) >= 1, f"{name} of at least 1", getattr(self, name))
        for name in ("warmup_fraction", "nodule_fraction", "bce_weight", "hard_negatives"):
            _require(0 <= getattr(self, name) <= 1, f"{name} in [0, 1]", getattr(self, name))
        for name in ("patience", "cache_bytes", "weight_decay"):
            _require(getattr(self, name) >= 0, f"{name} of at least 0", getattr(self, name))
        for name, share in self.shares.items():
            _require(0 <= share <= 1, f"a share of {name} in [0, 1]", share)
        average = self.average_weights
        _require(0 <= average < 1, "average_weights in [0, 1)", average)
        _require(self.learning_rate > 0, "a positive learning_rate", self.learning_rate)
        _require(0 < self.monitor_fraction < 1, "monitor_fraction in (0, 1)", self.monitor_fraction)
        _require(self.monitor_error > 0, "a positive monitor_error", self.monitor_error)
        _require_known("mixed_precision", self.mixed_precision, Precision)


@dataclass(frozen=True)
class Hyperparameters:
    """Everything that Transform and Trainer need from the configuration."""

    grid: Grid
    intensity: Intensity
    model: UNet
    training: Training
    probability_threshold: float = 0.5
    nodule_threshold: float = Thresholds.nodule

    def __post_init__(self) -> None:
        """Refuses sizes that do not fit each other."""
        stride, crop = self.model.stride, self.training.crop_size
        _require(crop % stride == 0, f"a crop_size divisible by {stride}", crop)
        if self.training.augmentation.thickness:
            context = self.grid.context
            _require(context >= 1, "a context of at least 1 for augmentation.thickness", context)
        threshold = self.probability_threshold
        _require(0 < threshold < 1, "probability_threshold in (0, 1)", threshold)
        threshold = self.nodule_threshold
        _require(0 <= threshold <= 1, "nodule_threshold in [0, 1]", threshold)


def _require(holds: bool, expected: str, got: object) -> None:
    if not holds or (isinstance(got, float) and not math.isfinite(got)):
        raise ValueError(f"expected {expected}, got {got!r}")


def _require_known(name: str, value: str, kind: Any) -> None:
    """Raises ValueError for a value that is none of a Literal."""
    known = get_args(kind)
    _require(value in known, f"{name} of {', '.join(known)}", value)
