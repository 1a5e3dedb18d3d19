"""What an administrator says about the hub; signing in at a real one is tried with browsers."""

from __future__ import annotations

import pytest

from workbench.errors import SettingsError
from workbench.server.hub import HubSignIn

TOLD = {
    "JUPYTERHUB_API_URL": "http://127.0.0.1:8081/hub/api",
    "JUPYTERHUB_API_TOKEN": "a-token-of-the-service",
    "JUPYTERHUB_SERVICE_NAME": "sightline",
    "JUPYTERHUB_CLIENT_ID": "service-sightline",
    "JUPYTERHUB_BASE_URL": "/",
    "JUPYTERHUB_HOST": "",
}


def test_the_token_of_the_service_is_taken_out_of_the_environment() -> None:
    environment = dict(TOLD)
    settings = HubSignIn.read(environment, given={})
    assert "JUPYTERHUB_API_TOKEN" not in environment
    assert settings.token == "a-token-of-the-service"
    assert "a-token" not in repr(settings)
    for missing, option in (("API_URL", "--hub-api"), ("API_TOKEN", "--hub-token")):
        with pytest.raises(SettingsError, match=option):
            HubSignIn.read({k: v for k, v in TOLD.items() if not k.endswith(missing)}, given={})
