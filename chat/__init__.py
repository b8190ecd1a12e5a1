"""The domain and its data: accounts, devices, conversations, messages, and the rules about them.

Imports nothing else of ours. `web`, `mqtt_acl`, `bridge` and `cli` build on it.
"""
