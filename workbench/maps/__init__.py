"""Maps and timelines of what was found, drawn without asking any other machine."""
