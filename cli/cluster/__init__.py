"""The parts of a cluster on one machine: each a server of its own, started in the foreground."""
