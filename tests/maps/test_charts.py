"""No chart has a button that leads elsewhere, whoever made it and whatever shows it."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import plotly.graph_objects as go
import plotly.io
import pytest

from workbench.maps.charts import REMOVED
from workbench.maps.timeline import timeline


def own_chart() -> go.Figure:
    return timeline([], zone=ZoneInfo("Europe/London"))


def somebodys_chart() -> go.Figure:
    times = [datetime(2026, 3, 29, hour, tzinfo=UTC) for hour in (1, 2)]
    return go.Figure().add_scatter(x=times, y=[1, 2])


@pytest.mark.parametrize("make", [own_chart, somebodys_chart])
def test_charts_have_no_upload_in_any_notebook(make) -> None:  # type: ignore[no-untyped-def]
    figure = make()
    assert set(REMOVED) <= set(
        figure.to_dict()["layout"]["template"]["layout"]["modebar"]["remove"]
    )
    for name in ("plotly_mimetype", "notebook", "vscode"):
        renderer = plotly.io.renderers[name]
        assert renderer.config["showSendToCloud"] is False
        assert renderer.config["displaylogo"] is False
    mime = plotly.io.renderers["plotly_mimetype"].to_mimebundle(figure.to_dict())
    assert mime["application/vnd.plotly.v1+json"]["config"]["showSendToCloud"] is False
