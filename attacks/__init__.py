"""`./katydid attack`: what strangers and members could try, tried at the real thing and judged.

`cases/` is the table, one small file a kind of attack. Nothing of ours imports this but `cli/`,
which starts it.
"""
