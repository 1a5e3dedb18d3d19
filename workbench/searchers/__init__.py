"""Searching on several machines: what is sent to searchers, what they do, and who puts it together.

Whoever searches (:mod:`.spread`) plans, signs tickets and merges; a searcher (:mod:`.searcher`) on
each node of a cluster compares rows of the parts it is given. Neither knows the engine that carries
their messages, which are bytes.
"""
