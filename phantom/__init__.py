"""Chest CTs with exact truth in LUNA16 layout, drawn at random from a seed."""
