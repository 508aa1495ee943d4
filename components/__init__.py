"""How each custom step of the pipeline works: one module per component, thin over lungct."""
