"""How fast it is, and what it costs: measured from outside, as ratios taken in one run."""
