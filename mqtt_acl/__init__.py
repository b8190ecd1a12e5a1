"""Who may do what at the broker, and telling the broker so.

`grants.py` says it in the broker's own words but without a broker; an issuer tells one.
"""
