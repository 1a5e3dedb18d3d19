"""Reviewing: opinions of one person, decisions of two, and the sightings that follow."""
