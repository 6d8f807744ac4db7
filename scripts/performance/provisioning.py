"""Measures cursors, sorting, bulk and large groups, one JSON line a measure.

    provisioning.py BASE TOKEN      a server that holds its users already
    provisioning.py BASE --many     25 requests a second for each token on standard input, for SPAN seconds (60)
"""

import json
import os
import statistics
import sys
import threading
import time
from http.client import HTTPConnection
from urllib.parse import quote, urlsplit

base = urlsplit(sys.argv[1])
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
run = f"p{int(time.time())}"


class Client:
    """One connection that is kept."""

    def __init__(self, token):
        self.connection = HTTPConnection(base.hostname, base.port, timeout=120)
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}

    def call(self, method, path, body=None):
        text = None if body is None else json.dumps(body)
        self.connection.request(method, base.path + path, text, self.headers)
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{method} {path}: {answer.status} {content[:500]}")
        return content

    def json(self, method, path, body=None):
        return json.loads(self.call(method, path, body))


def say(measure, **values):
    print(json.dumps({"m": measure, **values}), flush=True)


def seconds(work):
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def median(client, path, times=60):
    """The median of the milliseconds a GET takes."""
    return statistics.median(seconds(lambda: client.call("GET", path)) for _ in range(times)) * 1000


def user(name):
    first, last = "Ada", "Lovelace"
    return {
        "schemas": [USER],
        "userName": f"{name}.{run}@example.com",
        "externalId": f"x-{name}-{run}",
        "name": {"givenName": first, "familyName": last},
        "displayName": f"{first} {last} {name}",
        "active": True,
        "emails": [{"value": f"{name}.{run}@example.com", "type": "work", "primary": True}],
    }


def cursors(client):
    page = lambda cursor: f"/Users?count=100&cursor={quote(cursor)}"
    last, cursor, pages = "", "", 0
    while True:
        answer = client.json("GET", page(cursor))
        pages += 1
        if "nextCursor" not in answer:
            break
        last, cursor = cursor, answer["nextCursor"]
    # The last page may be short: the one before it is as long as the first.
    say("cursor", pages=pages, first_ms=median(client, page("")), end_ms=median(client, page(last)))


def sorting(client):
    unsorted = median(client, "/Users?startIndex=1&count=100")
    by_name = median(client, "/Users?startIndex=1&count=100&sortBy=name.familyName")
    say("sorted", unsorted_ms=unsorted, sorted_ms=by_name)


def bulk(client):
    single = 500 / seconds(lambda: [client.call("POST", "/Users", user(f"s{n}")) for n in range(500)])
    rates = []
    for turn in range(3):
        operations = [
            {"method": "POST", "path": "/Users", "bulkId": str(n), "data": user(f"b{turn}-{n}")} for n in range(1000)
        ]
        body = {"schemas": [BULK], "Operations": operations}
        began = time.perf_counter()
        answer = client.json("POST", "/Bulk", body)
        rates.append(1000 / (time.perf_counter() - began))
        wrong = [operation for operation in answer["Operations"] if operation["status"] != "201"]
        assert not wrong and len(answer["Operations"]) == 1000, wrong[:1]
    say("bulk", single_rps=single, bulk_rps=statistics.median(rates))


def large_groups(client):
    ids = []
    while len(ids) < 10_000:
        answer = client.json("GET", f"/Users?startIndex={len(ids) + 1}&count=1000&attributes=id")
        if not answer.get("Resources"):
            raise SystemExit(f"10,000 users are needed for a large group, there are {len(ids)}")
        ids += [user["id"] for user in answer["Resources"]]
    members = [{"value": id} for id in ids[:10_000]]
    name = f"large {run}"
    group = client.json("POST", "/Groups", {"displayName": name})["id"]
    put = seconds(lambda: client.call("PUT", f"/Groups/{group}", {"displayName": name, "members": members}))
    removals = [{"op": "remove", "path": f'members[value eq "{id}"]'} for id in ids[:10_000]]
    patch = seconds(lambda: client.call("PATCH", f"/Groups/{group}", {"schemas": [PATCH], "Operations": removals}))
    left = client.json("GET", f"/Groups/{group}").get("members", [])
    assert not left, f"{len(left)} members are left"
    say("large_group", put_s=put, patch_s=patch)


def provision(token, until, took, errors):
    """One organization, 25 requests a second at fixed times: a request that waits for the one before it is late."""
    client, ids, group, number = Client(token), [], None, 0
    began = time.perf_counter()
    try:
        while (due := began + number / 25) < until:
            time.sleep(max(0.0, due - time.perf_counter()))
            turn, number = number % 5, number + 1
            if group is None:
                group = client.json("POST", "/Groups", {"displayName": f"group {run}"})["id"]
            elif turn == 0 or not ids:
                ids.append(client.json("POST", "/Users", user(f"m{number}"))["id"])
            elif turn == 1:
                client.call("GET", "/Users?filter=" + quote(f'userName eq "m{number}.{run}@example.com"'))
            elif turn == 2:
                client.call("GET", f"/Users/{ids[number % len(ids)]}")
            elif turn == 3:
                value = [{"value": ids[-1]}]
                client.call("PATCH", f"/Groups/{group}", {"Operations": [{"op": "add", "path": "members", "value": value}]})
            else:
                value = {"op": "replace", "path": "title", "value": f"Engineer {number}"}
                client.call("PATCH", f"/Users/{ids[number % len(ids)]}", {"Operations": [value]})
            took.append(time.perf_counter() - due)
    except BaseException as error:
        errors.append(repr(error))


def many():
    tokens = sys.stdin.read().split()
    span = float(os.environ.get("SPAN", "60"))
    took, errors = [], []
    until = time.perf_counter() + span
    threads = [threading.Thread(target=provision, args=(token, until, took, errors)) for token in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors[:3]
    took.sort()
    at = lambda share: took[min(len(took) - 1, int(len(took) * share))] * 1000
    say("many", organizations=len(tokens), rps=len(took) / span, p50_ms=at(0.5), p99_ms=at(0.99), max_ms=at(1.0))


if sys.argv[2] == "--many":
    many()
else:
    client = Client(sys.argv[2])
    for measure in (cursors, sorting, bulk, large_groups):
        measure(client)
