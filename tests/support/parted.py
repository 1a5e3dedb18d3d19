"""Cameras of the galleries in parts that tests make."""

from __future__ import annotations

from workbench.domain import Camera

CAMERAS = {f"C{n}": Camera(f"C{n}", f"Camera {n}", 51.48 + n / 1000, -0.01) for n in range(6)}
