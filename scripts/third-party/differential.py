"""Sends the same random requests to Muster and to scim2-server and compares the answers.

Usage: differential.py BASE_URL TOKEN PEER_BASE_URL PEER_TOKEN

Every difference is explained in EXPLAINED, or it is a failure. MUSTER_TEST_SEED repeats a run, REQUESTS says how many
requests are sent (3000).
"""

import json
import os
import random
import sys
from collections import Counter
from http.client import HTTPConnection
from urllib.parse import quote, urlsplit

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"

seed = int(os.environ.get("MUSTER_TEST_SEED") or random.randrange(1 << 30))
dice = random.Random(seed)


class Server:
    """One of the two, and the names it has given to what both have."""

    def __init__(self, base, token):
        self.base = urlsplit(base)
        self.token = token
        self.connection = HTTPConnection(self.base.hostname, self.base.port, timeout=60)
        self.ids = {}

    def call(self, method, path, body):
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/scim+json"}
        text = None if body is None else json.dumps(self.named(body))
        self.connection.request(method, self.base.path + self.named(path), text, headers)
        answer = self.connection.getresponse()
        content = answer.read()
        return answer.status, json.loads(content) if content else None

    def named(self, value):
        """With its own ids in place of the names."""
        if isinstance(value, str):
            for name, id in self.ids.items():
                value = value.replace(name, id)
            return value
        if isinstance(value, list):
            return [self.named(item) for item in value]
        if isinstance(value, dict):
            return {key: self.named(item) for key, item in value.items()}
        return value

    def learn(self, name, id):
        self.ids[name] = id

    def plain(self, value, key=""):
        """With the names in place of its ids, and without what every server makes up for itself."""
        if isinstance(value, str):
            for name, id in self.ids.items():
                value = value.replace(id, name)
            return value
        if isinstance(value, list):
            items = [self.plain(item) for item in value]
            return sorted(items, key=lambda item: json.dumps(item, sort_keys=True)) if key in SETS else items
        if isinstance(value, dict):
            return {
                name: self.plain(item, name)
                for name, item in value.items()
                if name not in ("meta", "$ref", "detail") and item not in (None, [], {})
            }
        return value


# Arrays whose order says nothing.
SETS = ("schemas", "members", "groups", "emails", "phoneNumbers", "roles", "addresses")

muster, peer = Server(*sys.argv[1:3]), Server(*sys.argv[3:5])
FIRST = ["Ada", "Grace", "Alan", "barbara", "Édith", ""]
LAST = ["Lovelace", "Hopper", "turing", "Liskov", "O'Neil"]
users, groups = [], []
counter = 0


def text():
    return dice.choice(FIRST + LAST + ["x", "A b", 'quo"te', "100%"])


def user():
    global counter
    counter += 1
    body = {"schemas": [USER], "userName": dice.choice([f"user{counter}", f"USER{counter}@Example.com", f"ü{counter}"])}
    optional = {
        "externalId": lambda: f"x{dice.randrange(40)}",
        "displayName": text,
        "nickName": text,
        "title": lambda: dice.choice(["Engineer", "engineer", "Manager"]),
        "locale": lambda: "en-US",
        "name": lambda: {"givenName": dice.choice(FIRST[:4]), "familyName": dice.choice(LAST)},
        "emails": lambda: [
            {"value": f"{kind}{counter}@example.com", "type": kind, **({"primary": True} if kind == "work" else {})}
            for kind in dice.sample(["work", "home", "other"], dice.randint(1, 2))
        ],
        "phoneNumbers": lambda: [{"value": f"+1-201-555-{dice.randrange(1000):04}", "type": "work"}],
        "roles": lambda: [{"value": dice.choice(["reader", "writer"])}],
        ENTERPRISE: lambda: {"department": dice.choice(["Engines", "engines", "Tools"]), "employeeNumber": str(counter)},
    }
    for name in dice.sample(list(optional), dice.randint(1, 7)):
        body[name] = optional[name]()
    if dice.random() < 0.95:
        body["active"] = dice.choice([True, False])
    if ENTERPRISE in body:
        body["schemas"].append(ENTERPRISE)
    return body


def spoiled(body):
    """A body with one mistake in it."""
    mistake = dice.choice(["no name", "type", "array", "taken", "null name", "object"])
    if mistake == "no name":
        body.pop("userName")
    elif mistake == "type":
        body["active"] = dice.choice(["perhaps", 7, []])
    elif mistake == "array":
        body["emails"] = "ada@example.com"
    elif mistake == "null name":
        body["userName"] = None
    elif mistake == "object":
        body["name"] = "Ada"
    elif users:
        body["userName"] = dice.choice(users)["userName"]
    return mistake, body


def filter_text():
    def term():
        name = dice.choice(users)["userName"] if users and dice.random() < 0.7 else "nobody"
        return dice.choice(
            [
                f'userName eq "{name}"',
                f'userName eq "{name.upper()}"',
                f'userName sw "{name[:4]}"',
                f'userName co "{name[1:4]}"',
                f'userName ew "{name[-3:]}"',
                f'displayName eq "{dice.choice(LAST)}"',
                f'name.familyName eq "{dice.choice(LAST)}"',
                f'name.familyName co "{dice.choice(["o", "L", "ing"])}"',
                "active eq true",
                "active eq false",
                "title pr",
                "not (title pr)",
                f'title ne "{dice.choice(["Engineer", "Manager"])}"',
                f'externalId eq "x{dice.randrange(40)}"',
                f'emails.value sw "{dice.choice(["work", "home"])}"',
                f'emails[type eq "{dice.choice(["work", "home"])}"]',
                f'emails[type eq "work" and value co "{dice.randrange(9)}"]',
                f'emails.type eq "{dice.choice(["home", "other"])}"',
                f'{ENTERPRISE}:department eq "engines"',
                f'roles.value eq "{dice.choice(["reader", "writer"])}"',
                f'title gt "{dice.choice(["F", "a"])}"',
                f'userName le "{dice.choice(["m", "u", "V"])}"',
            ]
        )

    made = term()
    for _ in range(dice.choice([0, 0, 1, 2])):
        made = dice.choice([f"{made} and {term()}", f"{made} or {term()}", f"({made}) and not ({term()})"])
    return made


def query():
    parameters = {}
    if dice.random() < 0.8:
        parameters["filter"] = filter_text()
    # Sorted by what is unique: what is equal may come in any order.
    if dice.random() < 0.7:
        parameters["sortBy"] = "userName"
        parameters["sortOrder"] = dice.choice(["ascending", "descending"])
        if dice.random() < 0.5:
            parameters["startIndex"], parameters["count"] = dice.choice([-1, 0, 1, 2, 5, 500]), dice.choice([0, 1, 3, 10])
    if dice.random() < 0.3:
        parameters[dice.choice(["attributes", "excludedAttributes"])] = dice.choice(
            ["userName", "name.familyName,title", "emails.value", "emails", f"{ENTERPRISE}:department", "id"]
        )
    return parameters


def operation():
    attribute = dice.choice(["title", "displayName", "nickName", "name.familyName", f"{ENTERPRISE}:department"])
    return dice.choice(
        [
            lambda: {"op": dice.choice(["add", "replace"]), "path": attribute, "value": dice.choice(LAST)},
            lambda: {"op": "remove", "path": attribute},
            lambda: {"op": dice.choice(["add", "replace"]), "value": {"title": text() or "t", "nickName": "n"}},
            lambda: {"op": "replace", "path": "active", "value": dice.choice([True, False])},
            lambda: {"op": "add", "path": "emails", "value": [{"value": f"new{dice.randrange(99)}@example.com", "type": "other"}]},
            lambda: {"op": "replace", "path": 'emails[type eq "work"].value', "value": f"w{dice.randrange(99)}@example.com"},
            lambda: {"op": "remove", "path": 'emails[type eq "home"]'},
            lambda: {"op": "remove", "path": "emails"},
            lambda: {"op": "replace", "path": "userName", "value": dice.choice(users)["userName"] + dice.choice(["", "x"])},
            lambda: {"op": "remove", "path": "userName"},
            lambda: {"op": "replace", "path": "id", "value": "other"},
            lambda: {"op": "replace", "path": "shoeSize", "value": "44"},
            lambda: {"op": "add", "path": "name", "value": {"middleName": "M"}},
        ]
    )()


def member_operation():
    members = [{"value": dice.choice(users)["name"]} for _ in range(dice.randint(1, 3))]
    return dice.choice(
        [
            {"op": "add", "path": "members", "value": members},
            {"op": "replace", "path": "members", "value": members},
            {"op": "remove", "path": f'members[value eq "{members[0]["value"]}"]'},
            {"op": "remove", "path": "members"},
            {"op": "replace", "path": "displayName", "value": f"renamed {dice.randrange(1 << 20)}"},
        ]
    )


class Request:
    def __init__(self, kind, method, path, body=None, about=None, mistake=None):
        self.kind, self.method, self.path, self.body, self.about, self.mistake = kind, method, path, body, about, mistake


def request():
    global counter
    if len(users) < 5:
        return Request("create", "POST", "/Users", user())
    counter += 1
    one = dice.choice(users)
    path = f"/Users/{one['name']}"
    kinds = ["create", "create", "spoiled", "read", "missing", "replace", "patch", "patch", "delete", "list", "list", "list", "search"]
    kinds += ["group", "member", "member", "read group", "list groups", "project"]
    kind = dice.choice(kinds)
    if kind == "create":
        return Request(kind, "POST", "/Users", user())
    if kind == "spoiled":
        mistake, body = spoiled(user())
        return Request(kind, "POST", "/Users", body, mistake=mistake)
    if kind == "read":
        return Request(kind, "GET", path, about=one)
    if kind == "missing":
        method = dice.choice(["GET", "DELETE"])
        return Request(kind, method, dice.choice(["/Users/", "/Groups/"]) + "01890a5d-ac96-774b-bcce-b302099a8057")
    if kind == "replace":
        body = user()
        body["userName"] = one["userName"]
        return Request(kind, "PUT", path, body, about=one)
    if kind == "patch":
        operations = [operation() for _ in range(dice.choice([1, 1, 1, 2]))]
        return Request(kind, "PATCH", path, {"schemas": [PATCH], "Operations": operations}, about=one)
    if kind == "delete":
        return Request(kind, "DELETE", path, about=one) if len(users) > 12 else Request("read", "GET", path, about=one)
    if kind == "project":
        attribute = dice.choice(["userName", "emails.type", "name", "nickName,title", "id", ENTERPRISE, "nothing"])
        return Request(kind, "GET", f"{path}?{dice.choice(['attributes', 'excludedAttributes'])}={attribute}", about=one)
    if kind in ("list", "search"):
        parameters = query()
        if kind == "search":
            for name in ("attributes", "excludedAttributes"):
                if name in parameters:
                    parameters[name] = parameters[name].split(",")
            return Request(kind, "POST", "/Users/.search", {"schemas": [SEARCH], **parameters})
        return Request(kind, "GET", "/Users?" + "&".join(f"{name}={quote(str(value))}" for name, value in parameters.items()))
    if kind == "group" or not groups:
        members = [{"value": dice.choice(users)["name"]} for _ in range(dice.randint(0, 3))]
        unique = list({member["value"]: member for member in members}.values())
        body = {"schemas": [GROUP], "displayName": f"group {counter}", **({"members": unique} if unique else {})}
        return Request("group", "POST", "/Groups", body)
    group = dice.choice(groups)
    if kind == "member":
        body = {"schemas": [PATCH], "Operations": [member_operation()]}
        return Request(kind, "PATCH", f"/Groups/{group['name']}", body, about=group)
    if kind == "read group":
        return Request(kind, "GET", f"/Groups/{group['name']}", about=group)
    name = dice.choice(["group 1", f"group {counter}", "group"])
    return Request("list groups", "GET", "/Groups?filter=" + quote(f'displayName {dice.choice(["eq", "sw"])} "{name}"'))


def resources(content):
    """The resources of an answer."""
    if not isinstance(content, dict):
        return []
    return content.get("Resources", [content])


def without(content, *names):
    return {name: value for name, value in content.items() if name not in names} if isinstance(content, dict) else content


def each(content, change):
    """The answer with something changed in every resource."""
    if isinstance(content, dict) and "Resources" in content:
        return {**content, "Resources": [change(one) for one in content["Resources"]]}
    return change(content)


def member_types(asked, content):
    def change(one):
        if not isinstance(one, dict) or "members" not in one:
            return one
        return {**one, "members": [without(member, "type") for member in one["members"]]}

    return each(content, change)


def groups_of_users(asked, content):
    return each(content, lambda one: without(one, "groups"))


def members_who_are_gone(asked, content):
    there = {user["name"] for user in users}

    def change(one):
        if not isinstance(one, dict) or "members" not in one:
            return one
        members = [member for member in one["members"] if member["value"] in there]
        return {**without(one, "members"), **({"members": members} if members else {})}

    return each(content, change)


def members_once(asked, content):
    def change(one):
        if not isinstance(one, dict) or "members" not in one:
            return one
        return {**one, "members": list({member["value"]: member for member in one["members"]}.values())}

    return each(content, change)


def projected_schemas(asked, content):
    return each(content, lambda one: without(one, "schemas")) if "ttributes" in json.dumps([asked.path, asked.body]) else content


def unsorted(asked, content):
    if not isinstance(content, dict) or "Resources" not in content or "sortBy" in json.dumps([asked.path, asked.body]):
        return content
    return {**content, "Resources": sorted(content["Resources"], key=lambda one: json.dumps(one, sort_keys=True))}


# What is said differently and means the same: name, how both answers are made equal, and why Muster says it so.
SAID = [
    ("groups of users", groups_of_users, "`groups` of a user follows from its groups (RFC 7643 §4.1.2); the peer keeps it empty"),
    ("members who are gone", members_who_are_gone, "whoever is deleted is in no group any more; the peer goes on listing them"),
    ("members once", members_once, "a member that is named twice is a member once; the peer lists it twice"),
    ("members have a type", member_types, "`members.type` tells users from groups (RFC 7643 §4.2 has it, optional)"),
    ("schemas of a part", projected_schemas, "`schemas` is always returned whole (RFC 7643 §3.1), not cut to what was asked for"),
    ("order without sortBy", unsorted, "by id, which is stable; RFC 7644 §3.4.2.4 leaves it open"),
]

# What is done differently: name, whether it is this, and why Muster does what it does.
DONE = [
    (
        "active unless said otherwise",
        lambda asked, ours, theirs: asked.method in ("POST", "PUT")
        and "active" not in asked.body
        and (ours[0], without(ours[1], "active")) == (theirs[0], without(theirs[1], "active")),
        "who is created without `active` is active; a PUT without it leaves it as it was, so that nobody comes back by omission",
    ),
    (
        "a hundred on a page",
        lambda asked, ours, theirs: ours[0] == theirs[0] == 200
        and ours[1]["totalResults"] == theirs[1]["totalResults"] > 100 == ours[1]["itemsPerPage"],
        "a page has 100 resources where `count` does not say otherwise",
    ),
    (
        "an empty array",
        lambda asked, ours, theirs: asked.mistake == "type" and asked.body["active"] == [] and (ours[0], theirs[0]) == (201, 400),
        "RFC 7643 §2.5: an empty array is unassigned, whatever the type",
    ),
    (
        "a value made by its filter",
        lambda asked, ours, theirs: theirs[0] == 400
        and theirs[1]["scimType"] == "noTarget"
        and any(one["op"] == "replace" and "[" in one.get("path", "") for one in asked.body["Operations"]),
        "Entra sets `emails[type eq \"work\"].value` where there is none yet: the value is made; RFC 7644 §3.5.2.3 has"
        " `noTarget`, and so has profile `rfc`",
    ),
    (
        "a single value for many",
        lambda asked, ours, theirs: asked.mistake == "array" and (ours[0], theirs[0]) == (201, 400),
        "identity providers send one value where the schema says several; without a profile it is taken as one of several",
    ),
    (
        "nothing to remove",
        lambda asked, ours, theirs: ours[0] == 400
        and ours[1]["scimType"] == "noTarget"
        and any(one["op"] == "remove" and "[" in one.get("path", "") for one in asked.body["Operations"]),
        "RFC 7644 §3.5.2.2: a value filter that selects nothing is 400 `noTarget`; the peer does nothing",
    ),
]


def run():
    found, unexplained, alike = Counter(), [], 0
    total = int(os.environ.get("REQUESTS", "3000"))
    for _ in range(total):
        asked = request()
        ours, theirs = muster.call(asked.method, asked.path, asked.body), peer.call(asked.method, asked.path, asked.body)
        reasons, made = [], None
        if asked.method == "PATCH" and (ours[0], theirs[0]) == (200, 204):
            # Not what was said of it but what became of it.
            reasons.append("200 or 204")
            theirs = peer.call("GET", asked.path, None)
        if asked.method == "POST" and ours[0] == 201 and theirs[0] == 201:
            made = f"<{len(muster.ids)}>"
            muster.learn(made, ours[1]["id"])
            peer.learn(made, theirs[1]["id"])
            if asked.path == "/Users":
                users.append({"name": made, "userName": asked.body["userName"]})
            else:
                groups.append({"name": made})
        left, right = (ours[0], muster.plain(ours[1])), (theirs[0], peer.plain(theirs[1]))
        same_state = left[0] == right[0]
        for name, say, _ in SAID:
            if left != right:
                changed = (left[0], say(asked, left[1])), (right[0], say(asked, right[1]))
                reasons += [name] if changed != (left, right) else []
                left, right = changed
        if left != right:
            same_state = False
            reason = next((name for name, applies, _ in DONE if applies(asked, left, right)), None)
            if reason is None:
                unexplained.append((asked, left, right))
            else:
                reasons.append(reason)
        found.update(reasons)
        alike += left == right and not reasons
        if asked.kind == "delete" and ours[0] == theirs[0] == 204:
            users.remove(asked.about)
        elif asked.kind == "patch" and ours[0] == 200 == theirs[0]:
            asked.about["userName"] = ours[1]["userName"]
        # Where one of the two did something else, what they have of it differs from now on: it goes.
        if asked.method != "GET" and not same_state:
            clear(asked, made, ours, theirs)
    report(total, alike, found, unexplained)


def clear(asked, made, ours, theirs):
    kind = "/Groups/" if asked.path.startswith("/Groups") else "/Users/"
    if asked.method == "POST":
        for server, answer in ((muster, ours), (peer, theirs)):
            if answer[0] == 201:
                server.call("DELETE", kind + answer[1]["id"], None)
        users[:] = [one for one in users if one["name"] != made]
        groups[:] = [one for one in groups if one["name"] != made]
    elif asked.about is not None:
        for server in (muster, peer):
            server.call("DELETE", kind + asked.about["name"], None)
        users[:] = [one for one in users if one is not asked.about]
        groups[:] = [one for one in groups if one is not asked.about]


def report(total, alike, found, unexplained):
    print(f"  {total} requests, seed {seed}: {alike} answered alike")
    reasons = [("200 or 204", "a PATCH is answered with the user, as Okta needs it; RFC 7644 §3.5.2 allows both")]
    for name, reason in reasons + [(name, reason) for name, _, reason in SAID + DONE]:
        if found[name]:
            print(f"  {found[name]} × {name}: {reason}")
    for asked, ours, theirs in unexplained[: int(os.environ.get("SHOWN", "5"))]:
        print(f"NOT EXPLAINED: {asked.kind} {asked.mistake or ''} {asked.method} {asked.path} {json.dumps(asked.body)}", file=sys.stderr)
        print(f"  Muster: {ours[0]} {json.dumps(ours[1], sort_keys=True)[:800]}", file=sys.stderr)
        print(f"  peer:   {theirs[0]} {json.dumps(theirs[1], sort_keys=True)[:800]}", file=sys.stderr)
    if unexplained:
        sys.exit(f"{len(unexplained)} differences are not explained; MUSTER_TEST_SEED={seed} repeats the run")


run()
