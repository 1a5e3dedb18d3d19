"""Work on several machines by Ray: the connection to a cluster, and processes on its nodes.

Ray's core alone is used, and nothing imports it unless a cluster was asked for. No other room knows
it, so that another engine would be written here and nowhere else.
"""
