"""CtExampleGen: CT scans to tf.Examples, one Beam element per scan."""
