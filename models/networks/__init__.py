"""The networks, one module each; `models.networks.build` makes the one that is configured."""
