"""Chaos: people write to each other while everything they write through is killed, frozen, cut off
and filled up; then what they believe is held against the archive."""
