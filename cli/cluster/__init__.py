"""The whole cluster on this one machine, without containers: brokers and a database of its own.

For tests and for trying out; nothing of `./katydid up` for a single node needs it.
"""
