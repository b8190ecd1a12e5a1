"""Tells browsers of messages while no page of ours is open, by Web Push (RFC 8030, 8291, 8292).

The bridge notes in SQL what there is to tell (`bridge/notifications.py`); any number of these
programs look there, and none of them is needed for a message to arrive.
"""
