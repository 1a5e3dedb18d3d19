"""Record of casework: its chain, its signatures, and who may do what."""
