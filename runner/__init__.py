"""How a run goes on this machine: order of steps, console, run.json, exit status."""
