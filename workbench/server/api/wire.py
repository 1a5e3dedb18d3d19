"""Words between the pages' server and the API's process, which the former imports without it."""

from __future__ import annotations

VERSION = "v1"

ACCOUNT, WAY = "X-Sightline-Account", "X-Sightline-Way"
"""Headers in which the server says who has signed in; the account is percent-encoded UTF-8."""
