"""Footage that comes without a list: what lies in a folder, and a catalogue proposed for it."""

from workbench.footage.importing.catalogue import known_places, propose_catalogue, read_zone
from workbench.footage.importing.places import read_places
from workbench.footage.importing.proposal import Proposal, ProposedRecording, propose
from workbench.footage.importing.start import TRUST_LEGEND, Basis, Prefer, Start, Trust
from workbench.footage.importing.survey import Found, Survey, survey
from workbench.footage.importing.writing import Written, existing_catalogue, write_catalogue

__all__ = [
    "TRUST_LEGEND",
    "Basis",
    "Found",
    "Prefer",
    "Proposal",
    "ProposedRecording",
    "Start",
    "Survey",
    "Trust",
    "Written",
    "existing_catalogue",
    "known_places",
    "propose",
    "propose_catalogue",
    "read_places",
    "read_zone",
    "survey",
    "write_catalogue",
]
