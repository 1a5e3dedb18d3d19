"""The ``sightline`` command: thin calls of public functions, stable for scripts."""
