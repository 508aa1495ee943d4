"""The data contract: feature names, split names, size buckets and the TFDV schema."""
