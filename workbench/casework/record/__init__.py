"""The record of casework: its chain, who signs it, and who may do what."""
