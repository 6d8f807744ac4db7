"""Somebody of canaille, a whole identity provider, signs in to the console.

Usage: canaille_sign_in.py MUSTER TOKEN FOLDER PORT

MUSTER is where the server listens, TOKEN one of kind admin, PORT a free port for canaille. A user whose userName is `ada`
must be there.
"""

import http.client
import json
import logging
import sys
import threading
import urllib.parse
import urllib.request

from werkzeug.serving import make_server

from canaille import create_app
from canaille.app import models
from canaille.backends import Backend
from canaille.oidc.jose import make_default_rsa_jwk

muster, token, folder, port = sys.argv[1:]
issuer = f"http://127.0.0.1:{port}"
callback = f"{muster}/sign-in/to/default/callback"
logging.getLogger("werkzeug").setLevel(logging.ERROR)


def expect(what, holds, shown=""):
    if not holds:
        sys.exit(f"canaille: {what} does not hold: {shown}")
    print(f"  {what}")


app = create_app(
    {
        "SECRET_KEY": "a secret of this run",
        "SERVER_NAME": f"127.0.0.1:{port}",
        "PREFERRED_URL_SCHEME": "http",
        "TESTING": True,
        "WTF_CSRF_ENABLED": False,
        "CANAILLE": {"DATABASE": "sql"},
        "CANAILLE_OIDC": {"TRUSTED_DOMAINS": ["127.0.0.1"], "ACTIVE_JWKS": [make_default_rsa_jwk().as_dict(private=True)]},
        "CANAILLE_SQL": {"DATABASE_URI": f"sqlite:///{folder}/canaille-sign-in.sqlite"},
    }
)
with app.app_context(), app.backend.session():
    for person in ("ada", "bob"):
        Backend.instance.save(
            models.User(formatted_name=person, family_name=person, user_name=person, emails=[f"{person}@example.com"], password="correct horse")
        )
    client = models.Client(
        client_id="muster", client_secret="secret-of-this-run", client_name="Muster", client_uri=muster, redirect_uris=[callback],
        grant_types=["authorization_code"], response_types=["code"], scope=["openid", "profile"],
        token_endpoint_auth_method="client_secret_basic", id_token_signed_response_alg="RS256",
    )
    Backend.instance.save(client)
    # As canaille does for clients that are registered with it.
    client.audience = [client]
    Backend.instance.save(client)
server = make_server("127.0.0.1", int(port), app, threaded=True)
threading.Thread(target=server.serve_forever, daemon=True).start()

# Its subject is its user name.
settings = {
    "issuer": issuer, "client_id": "muster", "client_secret": "secret-of-this-run", "joined_by": "user-name", "claim": "sub",
}
request = urllib.request.Request(
    f"{muster}/api/v1/identity-provider", json.dumps(settings).encode(), method="PUT",
    headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
)
with urllib.request.urlopen(request) as answer:
    expect("it is taken for an identity provider", answer.status == 200)


class Browser:
    """Keeps the cookies of each host, and follows where it is sent."""

    def __init__(self):
        self.cookies = {}

    def ask(self, url, form=None):
        for _ in range(12):
            parts = urllib.parse.urlsplit(url)
            kept = self.cookies.setdefault(parts.netloc, {})
            headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in kept.items())}
            if form is not None:
                headers["Content-Type"] = "application/x-www-form-urlencoded"
            connection = http.client.HTTPConnection(parts.netloc)
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            connection.request("GET" if form is None else "POST", target, None if form is None else urllib.parse.urlencode(form), headers)
            answer = connection.getresponse()
            text = answer.read().decode()
            for cookie in answer.headers.get_all("set-cookie") or []:
                name, value = cookie.split(";")[0].split("=", 1)
                kept[name] = value
            if answer.status not in (301, 302, 303):
                return url, answer.status, text
            url, form = urllib.parse.urljoin(url, answer.headers["location"]), None
        sys.exit("canaille: sent round in circles")

    def sign_in(self, person):
        url, _, _ = self.ask(f"{muster}/sign-in/to/default")
        url, _, text = self.ask(url, {"login": person})
        return self.ask(url, {"password": "correct horse"})


browser = Browser()
url, status, text = browser.sign_in("ada")
expect("somebody provisioned is signed in", status == 200 and url.startswith(f"{muster}/o/default") and "ada" in text, f"{url} {status} {text[-1500:]}")
url, status, text = Browser().sign_in("bob")
expect("somebody unknown is not", status == 403 and "not known here" in text, f"{url} {status} {text[-1500:]}")
server.shutdown()
