"""The settings of one installation, from environment variables (``SIGHTLINE_…``) or a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from workbench.domain import PLAIN_SCALE
from workbench.errors import SettingsError


class RuleSettings(BaseModel):
    """Settings that limit or calibrate, and so belong to the installation.

    Its file says them (:mod:`workbench.casework.record.installation_file`). In training, the
    environment counts where the file is silent; in service, the defaults given here.
    """

    model_config = ConfigDict(allow_inf_nan=False)

    calibrations: Path | None = Field(
        default=None,
        description="folder of this installation's own calibrations; by default HOME/calibrations",
    )
    largest_area_km2: float = Field(
        default=25, gt=0, description="largest area of a case that one person may approve"
    )
    longest_days: float = Field(
        default=31, gt=0, description="longest time of footage that one person may approve"
    )
    longest_validity_days: float = Field(
        default=92, gt=0, description="longest validity of a case that one person may approve"
    )
    most_cameras: int = Field(
        default=500, gt=0, description="most cameras in a search that one person may approve"
    )
    most_unplaced_cameras: int = Field(
        default=5,
        ge=0,
        description="most cameras whose place is not known that one person may approve for a case",
    )
    filler_share: float = Field(
        default=0.25, ge=0, le=1, description="fillers for each candidate sent to review"
    )
    retention_days: float = Field(
        default=30, gt=0, description="days after which footage without sightings is deleted"
    )


RULES = tuple(RuleSettings.model_fields)
"""Names of the settings that are an installation's rules."""


class Settings(RuleSettings, BaseSettings):
    """Everything that differs between installations.

    Each field is read from ``SIGHTLINE_<NAME>`` in the environment, else from ``sightline.env`` in
    the working directory, else it has the default given here. Rules that are read so count in
    training alone: see :meth:`with_rules`.
    """

    model_config = SettingsConfigDict(
        env_prefix="SIGHTLINE_", env_file="sightline.env", extra="ignore", frozen=True
    )

    home: Path = Field(
        default=Path("data"), description="where galleries and model weights of this place live"
    )
    profile: str = Field(default="dlib", description="the model profile that new galleries use")
    threshold: float | None = Field(
        default=None, description="lowest score to show, where the profile's default does not fit"
    )
    calibration: str = Field(
        default="set for this installation", description="the data that threshold was set on"
    )
    scale: str = Field(
        default=PLAIN_SCALE, description="the scale of scores that threshold was set on"
    )
    gallery: Path | None = Field(
        default=None, description="the gallery that dashboards open; by default HOME/gallery.duckdb"
    )
    search_memory_mb: int = Field(
        default=1024,
        ge=64,
        description="most memory that a process may use for searching, in megabytes",
    )
    cache: Path | None = Field(
        default=None,
        description="folder on this machine for what was read of galleries in object stores; by "
        "default HOME/cache",
    )
    cache_gb: float = Field(
        default=20,
        ge=0,
        description="most gigabytes that folder takes; 0 keeps nothing there",
    )
    ray: str | None = Field(
        default=None,
        description="cluster of Ray whose nodes compare what is much, as HOST:PORT of its head, or "
        "auto; by default this machine compares all",
    )
    ray_from_mb: float = Field(
        default=256,
        ge=0,
        description="megabytes of what a search scans from which on nodes compare",
    )
    time_zone: str | None = Field(
        default=None, description="zone to show times in; by default that of the cameras' place"
    )
    tiles: str | None = Field(
        default=None, description="address pattern of a map tile server, such as …/{z}/{x}/{y}.png"
    )
    tiles_attribution: str = Field(
        default="", description="attribution that the tile server requires"
    )
    base_map: Path | None = Field(
        default=None, description="GeoJSON of streets to draw where there is no tile server"
    )
    footage: Path | None = Field(
        default=None,
        description="folder below which the page Footage may list footage, by default the "
        "catalogues that the gallery was indexed from; and where a node of a cluster looks for "
        "footage that it does not have at its path",
    )
    districts: Path | None = Field(
        default=None, description="folder of GeoJSON files offered as named districts"
    )
    case: str | None = Field(
        default=None, description="reference of the case that dashboards begin with"
    )

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is not None and value not in available_timezones():
            raise ValueError(f"{value!r} is not a time zone; write one like Europe/London")
        return value

    @property
    def models(self) -> Path:
        """Our own DEEPFACE_HOME: weights are looked for here and nowhere else."""
        return self.home / "models"

    @property
    def gallery_file(self) -> Path:
        """Gallery that is opened where none is named."""
        return self.gallery or self.home / "gallery.duckdb"

    @property
    def cache_folder(self) -> Path:
        """Folder for what was read of galleries in object stores."""
        return self.cache or self.home / "cache"

    @property
    def calibrations_folder(self) -> Path:
        """Folder of this installation's own calibrations."""
        return self.calibrations or self.home / "calibrations"

    @property
    def evaluation_folder(self) -> Path:
        """Folder of templates made from evaluation pictures; a cache that may be deleted."""
        return self.home / "evaluation"

    def environment(self) -> dict[str, str]:
        """Return the settings as environment variables for another process, without unset ones."""
        return {
            variable_of(name): str(value)
            for name, value in self
            if value is not None and (name not in RULES or name in self.model_fields_set)
        }

    def with_rules(self, rules: Mapping[str, Any], *, in_service: bool) -> Settings:
        """Return the settings with an installation's rules in the place of the environment's.

        Parameters
        ----------
        rules : mapping
            Rules that the installation's file says; a path is relative to the home.
        in_service : bool
            Have the defaults where the file is silent, whatever the environment says.
        """
        defaults = {name: RuleSettings.model_fields[name].default for name in RULES}
        said = dict(RuleSettings.model_validate(dict(rules)))
        if said["calibrations"] is not None:
            said["calibrations"] = self.home / said["calibrations"]
        update = (defaults if in_service else {}) | {name: said[name] for name in rules}
        return self.model_copy(update=update)

    def rules_set(self) -> tuple[str, ...]:
        """Return the variables of the environment that set rules; in service, none of them counts.

        For the settings as they were read, before :meth:`with_rules`.
        """
        return tuple(variable_of(name) for name in RULES if name in self.model_fields_set)

    @property
    def zone(self) -> ZoneInfo | None:
        """Zone to show times in; None for the zone of the cameras' place."""
        return ZoneInfo(self.time_zone) if self.time_zone else None


def variable_of(name: str) -> str:
    """Return the variable of the environment that a setting is read from."""
    return f"SIGHTLINE_{name.upper()}"


def load_settings() -> Settings:
    """Read the settings of the environment this process runs in.

    For doors alone (commands, pages, functions of notebooks): everything behind them is handed
    what it needs.

    Raises
    ------
    SettingsError
        If a setting cannot be used.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        raise SettingsError(
            str(first["msg"]), where=f"SIGHTLINE_{name}", fix="Correct or remove the setting"
        ) from None
