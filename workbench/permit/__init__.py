"""Permits: the gallery asks for one before each search, and only casework can issue one.

A permit covers one question (this template, in this scope, of this gallery), once, within a minute
of the entry in the record that allowed it. Its seal is made with a key that lives and dies with the
process, so a permit that was put together by hand, altered, kept or borrowed opens nothing.

Other machines are sent tickets instead: :mod:`workbench.permit.tickets`.

Everyone may read and spend a permit; :mod:`workbench.permit.issuing` is walled off (see
``.importlinter``).
"""

from workbench.permit.seal import LIFETIME_SECONDS, Permit, seconds_left, spend

__all__ = ["LIFETIME_SECONDS", "Permit", "seconds_left", "spend"]
