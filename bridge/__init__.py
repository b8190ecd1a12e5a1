"""Archive, then deliver: reads what devices publish, writes it to SQL, tells whom it concerns.

Meets `web` only in SQL and at the broker. Any number of times killed, it loses and doubles
nothing: what it has not acknowledged comes again from the broker, and what it stored twice is
recognised by SQL.
"""
