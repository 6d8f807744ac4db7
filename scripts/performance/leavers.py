"""Measures what leaving costs, one JSON line a measure.

    leavers.py PROGRAM DATABASE_URL     PROGRAM is a built muster; the database is empty

SIZE is the population (100000), EVENTS what the log holds when a certificate is asked for (1000000), LEAVERS how many leave
at once (10000), PATCHES how many of each kind are compared (2000). Needs sqlite3 of Python, or psql for PostgreSQL.
"""

import json
import os
import re
import socket
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PROGRAM, URL = sys.argv[1:]
SIZE, EVENTS = int(os.environ.get("SIZE", 100_000)), int(os.environ.get("EVENTS", 1_000_000))
LEAVERS, PATCHES = int(os.environ.get("LEAVERS", 10_000)), int(os.environ.get("PATCHES", 2_000))
THREADS = 16
USER, GROUP = ("urn:ietf:params:scim:schemas:core:2.0:" + name for name in ("User", "Group"))
PATCH, BULK = ("urn:ietf:params:scim:api:messages:2.0:" + name for name in ("PatchOp", "BulkRequest"))


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


PORT = free_port()
ENVIRONMENT = {
    **os.environ,
    "MUSTER_DATABASE_URL": URL,
    "MUSTER_RATE_LIMIT": "0",
    "MUSTER_OUTBOUND_NETWORKS": "127.0.0.0/8",
}


def say(measure, **values):
    print(json.dumps({"m": measure, **values}), flush=True)


def muster(*arguments):
    done = subprocess.run([PROGRAM, *arguments], env=ENVIRONMENT, check=True, capture_output=True, text=True)
    return done.stdout.strip()


class Client:
    """One connection a thread, each kept."""

    def __init__(self, token, kind="application/scim+json"):
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
        self.local = threading.local()

    def call(self, method, path, body=None):
        if not hasattr(self.local, "connection"):
            self.local.connection = HTTPConnection("127.0.0.1", PORT, timeout=300)
        text = None if body is None else json.dumps(body)
        self.local.connection.request(method, path, text, self.headers)
        answer = self.local.connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{method} {path}: {answer.status} {content[:500]}")
        return json.loads(content) if content else None


class Receiver:
    """Takes what is sent, and remembers when it came."""

    def __init__(self):
        self.arrived = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                receiver.arrived.append(time.perf_counter())
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"


def user(name):
    address = f"{name}@example.com"
    return {"schemas": [USER], "userName": address, "displayName": name, "active": True, "emails": [{"value": address}]}


def patch(path, value):
    return {"schemas": [PATCH], "Operations": [{"op": "replace", "path": path, "value": value}]}


def in_parallel(work, items):
    """Seconds, and the milliseconds each took."""
    took = []

    def timed(item):
        began = time.perf_counter()
        work(item)
        took.append((time.perf_counter() - began) * 1000)

    began = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(timed, items))
    return time.perf_counter() - began, took


def fill(client):
    """Everybody, in one group."""
    def create(start):
        operations = [
            {"method": "POST", "path": "/Users", "bulkId": f"b{n}", "data": user(f"user{n}")}
            for n in range(start, min(start + 1000, SIZE))
        ]
        answer = client.call("POST", "/scim/v2/Bulk", {"schemas": [BULK], "Operations": operations})
        return [one["location"].rsplit("/", 1)[1] for one in answer["Operations"]]

    with ThreadPoolExecutor(4) as pool:
        ids = [one for page in pool.map(create, range(0, SIZE, 1000)) for one in page]
    group = client.call("POST", "/scim/v2/Groups", {"schemas": [GROUP], "displayName": "everybody"})["id"]
    for start in range(0, SIZE, 10_000):
        members = [{"value": one} for one in ids[start : start + 10_000]]
        added = {"schemas": [PATCH], "Operations": [{"op": "add", "path": "members", "value": members}]}
        client.call("PATCH", f"/scim/v2/Groups/{group}?attributes=id", added)
    return ids


COLUMNS = "organization, id, at, actor_kind, connection, request, action, resource_id, details"


def lengthen_log(resource):
    """More lines about one person than anybody has, until the log holds EVENTS."""
    if URL.startswith("sqlite:"):
        file = sqlite3.connect(URL.removeprefix("sqlite:"), timeout=60)
        file.create_function("unhex", 1, bytes.fromhex)
        held = file.execute("SELECT count(*) FROM event").fetchone()[0]
        file.execute(
            f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
            f"INSERT INTO event ({COLUMNS}) SELECT organization, unhex(printf('00000000%04x7%03x8%015x', i >> 12, i & 4095, i)), "
            f"at, actor_kind, connection, request, 'user.changed', resource_id, '{{}}' FROM n, "
            f"(SELECT * FROM event WHERE resource_id = unhex(?) LIMIT 1)",
            (max(EVENTS - held, 1), resource.replace("-", "")),
        )
        file.commit()
        return file.execute("SELECT count(*) FROM event").fetchone()[0]
    psql = lambda text: subprocess.run(["psql", URL, "-qAtc", text], check=True, capture_output=True, text=True).stdout
    held = int(psql("SELECT count(*) FROM event"))
    psql(
        f"INSERT INTO event ({COLUMNS}) SELECT organization, decode('00000000' || lpad(to_hex(i >> 12), 4, '0') || '7' || "
        f"lpad(to_hex(i & 4095), 3, '0') || '8' || lpad(to_hex(i), 15, '0'), 'hex'), at, actor_kind, connection, request, "
        f"'user.changed', resource_id, '{{}}' FROM generate_series(1, {max(EVENTS - held, 1)}) AS i, (SELECT * FROM event "
        f"WHERE resource_id = decode('{resource.replace('-', '')}', 'hex') LIMIT 1) AS e"
    )
    return int(psql("SELECT count(*) FROM event"))


def certificate(administrator, resource):
    took = []
    for _ in range(9):
        began = time.perf_counter()
        administrator.call("GET", f"/api/v1/users/{resource}/leaver-certificate")
        took.append(time.perf_counter() - began)
    say("certificate", events=lengthened, users=SIZE, median_s=statistics.median(took), slowest_s=max(took))


def costs(client, ids):
    plain, deactivated = ids[:PATCHES], ids[PATCHES : 2 * PATCHES]
    change = lambda body: lambda one: client.call("PATCH", f"/scim/v2/Users/{one}", body)
    # What comes first must not pay for caches that are cold.
    in_parallel(change(patch("displayName", "warm")), ids[2 * PATCHES : 2 * PATCHES + 200])
    (one, one_took), (other, other_took) = (
        in_parallel(change(patch("displayName", "other")), plain),
        in_parallel(change(patch("active", False)), deactivated),
    )
    say(
        "deactivation",
        patches_per_s=PATCHES / one,
        deactivations_per_s=PATCHES / other,
        patch_ms=statistics.median(one_took),
        deactivation_ms=statistics.median(other_took),
        times=other / one,
    )


def allowed(pep, ids):
    """How many of them may deploy."""
    count = 0
    for start in range(0, len(ids), 1000):
        question = {
            "action": {"name": "deploy:run"},
            "resource": {"type": "project", "id": "/billing"},
            "evaluations": [{"subject": {"type": "user", "id": one}} for one in ids[start : start + 1000]],
        }
        count += sum(one["decision"] for one in pep.call("POST", "/access/v1/evaluations", question)["evaluations"])
    return count


def at_once(client, pep, other, ids):
    """A division is sold, and somebody of another organization leaves meanwhile."""
    leavers = ids[-LEAVERS:]
    may = allowed(pep, leavers)
    sold, elsewhere = Receiver(), Receiver()
    muster("receiver", "create", "--org", "default", "sold", "--method", "push", "--url", sold.url)
    muster("receiver", "create", "--org", "other", "elsewhere", "--method", "push", "--url", elsewhere.url)
    person = other.call("POST", "/scim/v2/Users", user("somebody"))["id"]

    def leave(start):
        operations = [
            {"method": "PATCH", "path": f"/Users/{one}", "data": patch("active", False)}
            for one in leavers[start : start + 500]
        ]
        answer = client.call("POST", "/scim/v2/Bulk", {"schemas": [BULK], "Operations": operations})
        assert all(one["status"] == "200" for one in answer["Operations"]), answer

    began = time.perf_counter()
    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(leave, start) for start in range(0, LEAVERS, 500)]
        time.sleep(1)
        left = time.perf_counter()
        other.call("PATCH", f"/scim/v2/Users/{person}", patch("active", False))
        while not elsewhere.arrived:
            time.sleep(0.005)
        for one in running:
            one.result()
    answered = time.perf_counter() - began
    still = allowed(pep, leavers)
    denied = time.perf_counter() - began
    say(
        "at once",
        leavers=LEAVERS,
        allowed_before=may,
        answered_s=answered,
        allowed_after=still,
        denied_s=denied,
        signal_elsewhere_s=elsewhere.arrived[0] - left,
        signals_by_then=len(sold.arrived),
    )


printed = subprocess.Popen(
    [PROGRAM, "serve", "--listen", f"127.0.0.1:{PORT}"], env=ENVIRONMENT, stdout=subprocess.PIPE, text=True
)
try:
    token = None
    while token is None:
        token = re.search(r"muster_scim_[A-Za-z0-9_-]+", printed.stdout.readline())
    client = Client(token[0])
    muster("scope", "create", "--org", "default", "/billing")
    muster("org", "create", "other")
    muster("connection", "create", "--org", "other", "first")
    other = Client(muster("token", "issue", "--org", "other", "--kind", "scim", "--connection", "first"))
    pep = Client(muster("token", "issue", "--org", "default", "--kind", "pep"), "application/json")
    administrator = Client(muster("token", "issue", "--org", "default", "--kind", "admin"), "application/json")
    ids = fill(client)
    muster("map", "--org", "default", "everybody", "deployer", "/billing")
    costs(client, ids)
    gone = ids[PATCHES]
    lengthened = lengthen_log(gone)
    certificate(administrator, gone)
    at_once(client, pep, other, ids)
finally:
    printed.terminate()
    printed.wait()
