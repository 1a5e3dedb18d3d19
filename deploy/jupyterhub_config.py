"""JupyterHub for a team that uses Sightline: who signs in here may open its pages.

    jupyterhub --config deploy/jupyterhub_config.py

Sightline runs as a service of its own account (deploy/sightline.service, with the command below),
and the hub's proxy hands /services/sightline/ on to it. The token that both know lies in a file
that the service account alone may read; the hub, which runs as root, reads it, too:

    sudo -u sightline sh -c 'umask 077; openssl rand -hex 32 > /var/lib/sightline/hub-token'

    sightline serve --sign-in hub --address https://hub.example.org/services/sightline/ \\
        --port 8866 --hub https://hub.example.org/hub/ --hub-api http://127.0.0.1:8001/hub/api \\
        --hub-service sightline --hub-token /var/lib/sightline/hub-token --hub-without-servers

People have no servers of their own on this hub. On one and the same address, a page of one person
could open the kernel of another who looks at it: a hub with servers for people needs another host
name for Sightline (docs/operate.md).
"""

import os
from pathlib import Path

c = get_config()  # noqa: F821 - JupyterHub gives it

ADDRESS = os.environ.get("HUB_ADDRESS", "https://hub.example.org")
STATE = Path(os.environ.get("HUB_STATE", "/var/lib/jupyterhub"))
TOKEN = Path(os.environ.get("SIGHTLINE_HUB_TOKEN", "/var/lib/sightline/hub-token"))
PORT = int(os.environ.get("HUB_PORT", "8000"))  # of the proxy; nginx in front of it has TLS
SIGHTLINE = os.environ.get("SIGHTLINE_URL", "http://127.0.0.1:8866")

# --- Who may come in ---------------------------------------------------------------------------

# Accounts of this machine. In place of it, for instance, OpenID Connect (pip install
# oauthenticator): "generic-oauth", with c.GenericOAuthenticator.client_id, .authorize_url, ...
c.JupyterHub.authenticator_class = "pam"
c.Authenticator.allowed_users = {"anna", "sara", "rosa", "rolf", "otto", "ada"}
c.Authenticator.admin_users = set()  # an administrator of the hub could act as anybody

c.JupyterHub.load_groups = {"sightline": {"users": sorted(c.Authenticator.allowed_users)}}
c.JupyterHub.load_roles = [
    {
        "name": "sightline",
        "description": "Open the pages of Sightline, and make tokens for its API",
        "scopes": ["access:services!service=sightline"],
        "groups": ["sightline"],
    },
    {
        "name": "sightline-itself",
        "description": "See that nobody has a server here, when Sightline is started",
        "scopes": ["list:users"],
        "services": ["sightline"],
    },
    # No scope of "self" but these: nobody starts a server here.
    {"name": "user", "scopes": ["read:users!user", "read:tokens!user", "tokens!user"]},
]

# --- Sightline ---------------------------------------------------------------------------------

c.JupyterHub.services = [
    {
        "name": "sightline",
        "url": SIGHTLINE,
        "api_token": TOKEN.read_text().strip(),
        "oauth_redirect_uri": f"{ADDRESS}/services/sightline/oauth_callback",
        "oauth_no_confirm": True,  # a second click would protect nobody
    }
]
c.JupyterHub.default_url = "/services/sightline/"

# --- The hub and its proxy ---------------------------------------------------------------------

c.JupyterHub.bind_url = f"http://127.0.0.1:{PORT}"
c.JupyterHub.public_url = ADDRESS
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{PORT + 1}"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{PORT + 2}"
c.ConfigurableHTTPProxy.pid_file = str(STATE / "proxy.pid")
c.JupyterHub.db_url = f"sqlite:///{STATE}/hub.sqlite"
c.JupyterHub.cookie_secret_file = str(STATE / "cookie_secret")
c.JupyterHub.cookie_max_age_days = 0.5  # a shift
c.JupyterHub.tornado_settings = {"cookie_options": {"secure": ADDRESS.startswith("https:")}}
