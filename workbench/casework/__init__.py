"""Who may ask what, on whose authority, and what was decided about the answers.

Everything that happens is an entry of one append-only, hash-chained record (:mod:`.audit`); cases,
decisions and roles are what that record says, read in order.
"""
