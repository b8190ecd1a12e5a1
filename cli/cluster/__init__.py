"""Brokers and databases in the number that a cluster has, on this one machine, without containers.

For tests and for trying out; nothing of `./katydid up` for a single node needs it.
"""
