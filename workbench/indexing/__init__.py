"""Indexing of footage: faces found and stored, one recording at a time, whole or not at all."""

from workbench.indexing.on_ray import Cluster
from workbench.indexing.recording import SamplingRates, index_recording
from workbench.indexing.report import IndexReport, RecordingReport
from workbench.indexing.run import Plan, index_catalogue, plan_catalogue, watch_catalogue

__all__ = [
    "Cluster",
    "IndexReport",
    "Plan",
    "RecordingReport",
    "SamplingRates",
    "index_catalogue",
    "index_recording",
    "plan_catalogue",
    "watch_catalogue",
]
