"""Fills an empty organization for the measures of decisions, and writes what is asked.

    access.py BASE SCIM-TOKEN ADMIN-TOKEN FOLDER USERS ASSIGNMENTS   users in 20 groups each; FOLDER/single and FOLDER/batch
    access.py BASE SCIM-TOKEN ADMIN-TOKEN --guardrails               20 guardrails on deploy:run
"""

import json
import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from threading import local
from urllib.parse import urlsplit

base = urlsplit(sys.argv[1])
SCIM, ADMIN = sys.argv[2], sys.argv[3]
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
EACH, PROJECTS, QUESTIONS, BATCH = 20, 200, 2000, 100
ROLES = ("viewer", "developer", "deployer")
here = local()


def call(token, method, path, body):
    """One request on a connection of this thread's own."""
    if not hasattr(here, "connection"):
        here.connection = HTTPConnection(base.hostname, base.port, timeout=120)
    kind = "application/scim+json" if path.startswith("/scim") else "application/json"
    headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
    here.connection.request(method, path, json.dumps(body), headers)
    answer = here.connection.getresponse()
    content = answer.read()
    if answer.status >= 300:
        raise SystemExit(f"{method} {path}: {answer.status} {content[:500]}")
    return json.loads(content) if content else None


def many(work, items):
    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(work, items))


def name(number):
    return f"user{number}@example.com"


def user(number):
    kind = "Contractor" if number % 10 == 0 else "Employee"
    body = {"schemas": [USER, ENTERPRISE], "userName": name(number), "userType": kind}
    body[ENTERPRISE] = {"department": f"department {number % 40}"}
    return call(SCIM, "POST", "/scim/v2/Users", body)["id"]


def fill(folder, users, assignments):
    began = time.perf_counter()
    people = many(user, range(users))
    count = max(users // 10, EACH)
    members = [[] for _ in range(count)]
    for number, person in enumerate(people):
        for turn in range(EACH):
            members[(number * 7 + turn * 251) % count].append({"value": person})

    def group(number):
        body = {"schemas": [GROUP], "displayName": f"group {number}", "members": members[number]}
        return call(SCIM, "POST", "/scim/v2/Groups", body)["id"]

    groups = many(group, range(count))
    for project in range(PROJECTS):
        scope = {"path": f"/p{project}/production", "production": True}
        call(ADMIN, "POST", "/api/v1/scopes", scope)

    # Each principal, role and scope once.
    def assign(number):
        principal = {"type": "group", "id": groups[number * 7 % count]}
        scope = f"/p{(number // count * 31 + number) % PROJECTS}/production"
        body = {"principal": principal, "role": ROLES[number % 3], "scope": scope}
        call(ADMIN, "POST", "/api/v1/assignments", body)

    for number in range(assignments):
        assign(number)
    dice = random.Random(1)

    def question():
        subject = {"type": "user", "id": name(dice.randrange(users))}
        resource = {"type": "environment", "id": f"/p{dice.randrange(PROJECTS)}/production"}
        return {"subject": subject, "action": {"name": "deploy:run"}, "resource": resource}

    with open(f"{folder}/single", "w", encoding="utf-8") as file:
        file.writelines(json.dumps(question()) + "\n" for _ in range(QUESTIONS))
    with open(f"{folder}/batch", "w", encoding="utf-8") as file:
        batches = ({"evaluations": [question() for _ in range(BATCH)]} for _ in range(QUESTIONS // 10))
        file.writelines(json.dumps(batch) + "\n" for batch in batches)
    took = time.perf_counter() - began
    print(json.dumps({"m": "fill", "users": users, "groups": count, "assignments": assignments, "seconds": round(took, 1)}))


def guardrails():
    for number in range(20):
        condition = (
            f'principal.department == "closed {number}"',
            f'principal.userType == "Intern {number}"',
            f'principal.roles.containsAll(["viewer", "admin"]) && resource.path == "/x{number}"',
            f'resource.path == "/p{number}/frozen"',
        )[number % 4]
        text = (
            f'@id("g{number}")\n@reason("measured")\n@control("none")\n'
            f'forbid (principal is User, action == Action::"deploy:run", resource) when {{ {condition} }};'
        )
        call(ADMIN, "POST", "/api/v1/guardrails", {"text": text, "confirm": True})


if sys.argv[4] == "--guardrails":
    guardrails()
else:
    fill(sys.argv[4], int(sys.argv[5]), int(sys.argv[6]))
