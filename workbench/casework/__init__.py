"""Casework: who may search for what, on whose authority, and what was decided about the results.

Every action is an entry in one append-only, hash-chained record (:mod:`.record.audit`); cases,
decisions and roles are computed from its entries, in order.
"""
