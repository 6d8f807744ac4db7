"""Parses answers of a SCIM server with pydantic-scim, the models authentik uses.

Usage: parsing.py BASE_URL TOKEN
"""

import json
import sys
import urllib.request

from pydanticscim.group import Group
from pydanticscim.resource_type import ResourceType
from pydanticscim.responses import SCIMError
from pydanticscim.service_provider import ServiceProviderConfiguration
from pydanticscim.user import User

base, token = sys.argv[1:]
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


def ask(method, path, body=None):
    request = urllib.request.Request(base + path, method=method, data=body and json.dumps(body).encode())
    request.add_header("Authorization", f"Bearer {token}")
    request.add_header("Content-Type", "application/scim+json")
    try:
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        return json.load(error)


document = ask("GET", "/ServiceProviderConfig")
configuration = ServiceProviderConfiguration(**document)
# What authentik decides by; without one of them it does without PATCH and filters.
assert configuration.patch.supported and configuration.filter.supported, configuration
# Which authentik adds to the model.
assert isinstance(document["bulk"]["maxOperations"], int) and document["bulk"]["maxOperations"] > 0, document
for resource_type in ask("GET", "/ResourceTypes")["Resources"]:
    ResourceType(**resource_type)

person = {
    "schemas": [USER], "userName": "parsed@example.com", "externalId": "1", "active": True, "displayName": "Parsed",
    "name": {"givenName": "Par", "familyName": "Sed"}, "photos": [{"value": "https://example.com/p.png", "type": "photo"}],
    "emails": [{"value": "parsed@example.com", "type": "other", "primary": True}],
    "phoneNumbers": [{"value": "tel:+1-201-555-0123", "type": "work"}],
}
made = ask("POST", "/Users", person)
user = User(**made)
assert user.userName == person["userName"] and user.emails[0].value == person["emails"][0]["value"], user
group = ask("POST", "/Groups", {"schemas": [GROUP], "displayName": "parsed", "members": [{"value": made["id"]}]})
assert Group(**group).members[0].value == made["id"], group
assert User(**ask("GET", f"/Users/{made['id']}")).groups, "the user's groups"
assert SCIMError(**ask("POST", "/Users", person)).status == 409
ask("DELETE", f"/Groups/{group['id']}")
ask("DELETE", f"/Users/{made['id']}")
print("  configuration, resource types, user, group and error are parsed")
