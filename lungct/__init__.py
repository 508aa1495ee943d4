"""Lung CT with numpy and SimpleITK: reading, geometry, masks, slices, metrics and a phantom."""
