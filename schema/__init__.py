"""The data contract: features, splits, metrics, criteria, names of files and the TFDV schema."""
