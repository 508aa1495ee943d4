"""True HU of one axial slice before the scanner sees it."""

import numpy as np

from phantom.anatomy import Patient
from phantom.fields import Array, SliceSampler
from phantom.nodules import PhantomNodule
from phantom.patches import Patch
from phantom.skeleton import Skeleton, lay, share
from phantom.vessels import SliceSplatter

AIR_HU, FAT_HU, MUSCLE_HU, SKIN_HU = -1000.0, -105.0, 52.0, 10.0

# In the order of painting; None is the HU of blood.
TUBES_HU = {
    "vessels": None,
    "scars": -250.0,
    "spicules": 0.0,
    "bronchus walls": 20.0,
    "bronchi": -985.0,
    "windpipe wall": 20.0,
    "windpipe": -985.0,
}


class Painter:
    """Paints the slices of one patient.

    Args of the constructor: the patient, the voxels' coordinates (z, y, x), the fields of
    `organ_fields`, splatters of TUBES_HU's names (any may be missing), and the nodules with
    their patches.
    """

    def __init__(
        self,
        patient: Patient,
        axes_mm: tuple[Array, Array, Array],
        fields: SliceSampler,
        tubes: dict[str, SliceSplatter],
        nodules: list[tuple[PhantomNodule, Patch]],
    ) -> None:
        """Keeps what all slices share."""
        self._patient, self._axes, self._fields = patient, axes_mm, fields
        self._tubes, self._nodules = tubes, nodules
        _, y, x = axes_mm
        self._width = float(abs(y[1] - y[0]) + abs(x[1] - x[0])) * 0.55 + 0.15
        self._skeleton = Skeleton(patient, y, x, self._width)

    def paint(self, index: int) -> tuple[Array, Array]:
        """True HU (y, x) of a slice, and the lungs' distance field (mm, negative inside)."""
        fields = self._fields(index)
        plane = self._surroundings(fields)
        self._wall(plane, fields)
        self._inside(plane, fields)
        self._skeleton.paint(plane, fields, float(self._axes[0][index]))
        self._lungs(plane, fields, index)
        self._paint_nodules(plane, fields["grain"], index)
        return plane, fields["lung"]

    def _surroundings(self, fields: dict[str, Array]) -> Array:
        """Air, the blanket and the table under the body."""
        y, x = self._axes[1][:, None], self._axes[2][None, :]
        plane = np.full(fields["body"].shape, AIR_HU, np.float32)
        plane += 25 * np.exp(-(((fields["body"] - 9 - 4 * fields["cloud"]) / 1.6) ** 2))
        back = self._patient.half_depth_mm + 0.78 * (self._patient.wall_mm + self._patient.fat_mm)
        top = np.asarray(y - (back + 14 - (x / 42) ** 2), np.float32)
        lay(plane, share(-top - 3, self._width) * share(top - 38, self._width), -985.0)
        lay(plane, share(np.abs(top) - 1.3, self._width) * (np.abs(x) < 205), 40.0)
        return plane

    def _wall(self, plane: Array, fields: dict[str, Array]) -> None:
        """Skin, fat, and muscles with seams of fat between them."""
        w, cloud, grain = self._width, fields["cloud"], fields["grain"]
        lay(plane, share(fields["body"], w), SKIN_HU)
        lay(plane, share(fields["body"] + 2.0, w), FAT_HU + 9 * grain)
        # Seams of fat: between the layers of muscle, and where a cloud changes its sign.
        layers = np.abs(fields["cage"] - 15 - 5 * cloud) - 0.6
        seams = np.clip(np.minimum(layers, 9 * np.abs(fields["plump"]) - 0.8), 0, 1)
        flesh = FAT_HU + (MUSCLE_HU + 4 * grain - FAT_HU) * seams
        lay(plane, share(fields["muscle"], w), flesh)

    def _inside(self, plane: Array, fields: dict[str, Array]) -> None:
        """What fills the chest wall: fat, heart and vessels, and the upper belly."""
        w, cloud, grain = self._width, fields["cloud"], fields["grain"]
        blood = self._patient.blood_hu
        tissue = 35.0 if blood < 100 else 90.0
        soft = np.clip(0.2 + 1.4 * cloud, 0, 1)
        lay(plane, share(fields["cage"] - 2.5, w), FAT_HU + (40 - FAT_HU) * soft)
        heart = fields["blood"]
        lay(plane, share(heart - 4.5, w) * 0.8, tissue)
        lay(plane, share(heart, w), blood + 5 * grain)
        belly = share(2.0 - fields["below"], w) * share(fields["cage"] - 1, w)
        if not belly.any():
            return
        content = FAT_HU + 130 * np.clip(1.5 * cloud - 0.5, 0, 1)
        lay(content, share(fields["liver"], w), tissue + 22 + 4 * grain)
        lay(content, share(fields["spleen"], w), tissue + 18 + 3 * grain)
        lay(content, share(fields["stomach"], w), 40.0 + 8 * grain)
        gas = np.maximum(fields["stomach"] + 5, self._axes[1][:, None] + 30)
        lay(content, share(gas, w), -960.0)
        lay(content, share(fields["below"] - 3.0, w), MUSCLE_HU)
        lay(content, share(heart, w), blood)
        lay(plane, belly, content)

    def _lungs(self, plane: Array, fields: dict[str, Array], index: int) -> None:
        """Parenchyma, fissures, vessels and airways."""
        inside = share(fields["lung"], self._width)
        if inside.any():
            lay(plane, inside, self._parenchyma(fields))
        near = share(fields["lung"] - 1.0, self._width)
        soft = self._patient.blood_hu
        for name, hu in TUBES_HU.items():
            if name in self._tubes:
                covered = np.minimum(1.12 * self._tubes[name](index), 1)
                only_lung = name not in ("windpipe wall", "windpipe")
                lay(plane, covered * near if only_lung else covered, soft if hu is None else hu)

    def _parenchyma(self, fields: dict[str, Array]) -> Array:
        """HU of lung tissue: denser at the back, clouded, with holes where it is destroyed."""
        p, y = self._patient, self._axes[1][:, None]
        hu = p.lung_hu + p.gravity_hu * (y / 80) + 13 * fields["cloud"] + 10 * fields["grain"]
        hu += 45 * np.exp(np.minimum(fields["lung"], 0) / np.float32(1.6)) * (y > 10)
        if p.emphysema:
            hu -= p.emphysema * np.clip(fields["grain"] + 0.5 * fields["cloud"] - 0.6, 0, 2)
        for name in ("oblique", "horizontal"):
            line = np.exp(-((fields[name] / 0.9) ** 2))
            if name == "horizontal":
                line *= (fields["oblique"] > 0) & (self._axes[2] < -8)[None, :]
            hu += 60 * line
        return np.asarray(np.clip(hu, -985, -500), np.float32)

    def _paint_nodules(self, plane: Array, grain: Array, index: int) -> None:
        """Nodules over what is there; vessels stay visible in ground glass."""
        for nodule, patch in self._nodules:
            z = patch.box[0]
            if not z.start <= index < z.stop:
                continue
            part, layer = plane[patch.box[1:]], index - z.start
            density, core = patch.density[layer], patch.core[layer]
            hu = np.float32(nodule.hu) + core * np.float32(nodule.core_hu - nodule.hu)
            hu += patch.texture_hu[layer] * (1 - core)
            if nodule.kind in ("ground-glass", "part-solid"):
                glass = hu + 25 * grain[patch.box[1:]] * (1 - core)
                hu = np.maximum(glass, np.minimum(part, np.float32(60)))
            part += density * (hu - part)
