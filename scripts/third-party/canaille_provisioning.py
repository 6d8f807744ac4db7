"""canaille, a whole identity provider, provisions people and a group into a SCIM server and takes them away again.

Usage: canaille_provisioning.py BASE_URL TOKEN FOLDER
"""

import datetime
import json
import logging
import sys
import urllib.parse
import urllib.request

from canaille import create_app
from canaille.app import models
from canaille.backends import Backend

base, token, folder = sys.argv[1:]

# canaille tells of a refusal in its log alone.
complaints = []


class Complaints(logging.Handler):
    def emit(self, record):
        if record.levelno >= logging.WARNING or "SCIM protocol not supported" in record.getMessage():
            complaints.append(record.getMessage())


def found(endpoint, condition):
    query = urllib.parse.urlencode({"filter": condition})
    request = urllib.request.Request(f"{base}{endpoint}?{query}", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer).get("Resources", [])


def expect(what, holds):
    if not holds:
        sys.exit(f"canaille: {what} does not hold; it complained: {complaints}")
    print(f"  {what}")


app = create_app(
    {
        "SECRET_KEY": "a secret of this run",
        "SERVER_NAME": "canaille.test",
        "TESTING": True,
        "WTF_CSRF_ENABLED": False,
        "CANAILLE": {"DATABASE": "sql", "LOGGING": {"version": 1, "disable_existing_loggers": False}},
        "CANAILLE_SCIM": {"ENABLE_CLIENT": True},
        "CANAILLE_OIDC": {"TRUSTED_DOMAINS": ["127.0.0.1"]},
        "CANAILLE_SQL": {"DATABASE_URI": f"sqlite:///{folder}/canaille.sqlite"},
    }
)
app.logger.addHandler(Complaints())
app.logger.setLevel(logging.INFO)

with app.app_context(), app.backend.session():
    keep = Backend.instance.save
    client = models.Client(
        client_id="scim", client_name="SCIM", client_uri=base, redirect_uris=[f"{base}/"], scope=["openid"]
    )
    keep(client)
    now = datetime.datetime.now(datetime.timezone.utc)
    keep(
        models.Token(
            token_id="scim", access_token=token, subject=None, audience=[client], client=client, scope=["openid"],
            issue_date=now, lifetime=3600,
        )
    )

    ada = models.User(
        formatted_name="Ada Lovelace", given_name="Ada", family_name="Lovelace", user_name="ada",
        emails=["ada@example.com"], phone_numbers=["555-000-001"], password="correct horse", department="Engines",
        employee_number="1815",
    )
    keep(ada)
    bob = models.User(formatted_name="Bob", family_name="Bobson", user_name="bob", emails=["bob@example.com"])
    keep(bob)
    [made] = found("/Users", f'externalId eq "{ada.id}"') or [{}]
    expect("a person arrives with name and address", made.get("userName") == "ada" and made["emails"][0]["value"] == "ada@example.com")
    expect("its password stays away", "password" not in made)

    ada.family_name = "King"
    ada.formatted_name = "Ada King"
    keep(ada)
    [changed] = found("/Users", f'externalId eq "{ada.id}"')
    expect("a change arrives at the same resource", changed["id"] == made["id"] and changed["name"]["familyName"] == "King")

    group = models.Group(display_name="engineers", members=[ada, bob])
    keep(group)
    [team] = found("/Groups", f'externalId eq "{group.id}"') or [{}]
    expect("a group arrives with its members", len(team.get("members", [])) == 2)
    group.members = [bob]
    keep(group)
    [team] = found("/Groups", f'externalId eq "{group.id}"')
    expect("a member leaves the group", len(team["members"]) == 1 and team["members"][0]["value"] != made["id"])

    identifiers = group.id, ada.id, bob.id
    Backend.instance.delete(group)
    Backend.instance.delete(ada)
    Backend.instance.delete(bob)
    expect("a deleted group is gone", not found("/Groups", f'externalId eq "{identifiers[0]}"'))
    expect("deleted people are gone", not any(found("/Users", f'externalId eq "{one}"') for one in identifiers[1:]))
    expect("canaille had nothing to complain of", not complaints)
