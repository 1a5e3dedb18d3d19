"""Names of footage: start, end, camera and channel that a path states."""

from workbench.footage.names.known import KNOWN
from workbench.footage.names.pattern import TO_THE_MINUTE, NamedRecording, Pattern, own_pattern
from workbench.footage.names.reading import read_name

__all__ = ["KNOWN", "TO_THE_MINUTE", "NamedRecording", "Pattern", "own_pattern", "read_name"]
