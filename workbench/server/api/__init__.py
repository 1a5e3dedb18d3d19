"""The API: what the pages do, for programs, in a process of its own beside the pages' server.

The server forwards requests of people who have signed in to a Unix socket
(:mod:`.forwarding`); behind it each request runs in a thread, in the name of that person. Nothing
here decides what a person may do: the register of cases and :func:`workbench.investigation.search`
do, as they do for the pages.
"""
