"""Measures what leaves for receivers, one JSON line a measure: signals.py PROGRAM

PROGRAM is a muster that is built already; `openssl` says how fast this machine signs. LEAVERS is how many leave at once
(10000), RATE how many signals the rate is taken from (3000). Starts a server of its own on a SQLite file.
"""

import json
import multiprocessing
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from http.client import HTTPConnection

program = os.path.abspath(sys.argv[1])
leavers = int(os.environ.get("LEAVERS", "10000"))
signals = int(os.environ.get("RATE", "3000"))
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
folder = tempfile.TemporaryDirectory()
environment = {
    **os.environ,
    "MUSTER_DATABASE_URL": f"sqlite:{folder.name}/muster.db",
    "MUSTER_OUTBOUND_NETWORKS": "127.0.0.0/8",
    "MUSTER_RATE_LIMIT": "0",
}


def muster(*arguments):
    done = subprocess.run([program, *arguments], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{arguments}: {done.stderr}")
    return done.stdout


def say(measure, **values):
    print(json.dumps({"m": measure, **values}), flush=True)


def receive(listener, arrivals):
    """A receiver: accepts everything, and says how much has arrived, when the first and when the last."""

    def serve(stream):
        buffer = b""
        while True:
            while b"\r\n\r\n" not in buffer:
                more = stream.recv(65536)
                if not more:
                    return
                buffer += more
            head, buffer = buffer.split(b"\r\n\r\n", 1)
            length = int(re.search(rb"(?i)content-length: *(\d+)", head).group(1))
            while len(buffer) < length:
                buffer += stream.recv(65536)
            buffer = buffer[length:]
            now = time.time()
            with arrivals.get_lock():
                if not arrivals[0]:
                    arrivals[1] = now
                arrivals[0] += 1
                arrivals[2] = now
            stream.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")

    while True:
        stream, _ = listener.accept()
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=serve, args=(stream,), daemon=True).start()


def receiver(organization):
    """Starts a receiver in a process of its own and registers it; answers what arrives."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    arrivals = multiprocessing.Array("d", 3)
    multiprocessing.Process(target=receive, args=(listener, arrivals), daemon=True).start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/events"
    muster("receiver", "create", "measured", "--org", organization, "--url", url, "--event", "session-revoked")
    return arrivals


def until(condition, patience=300):
    end = time.time() + patience
    while not condition():
        if time.time() > end:
            raise SystemExit("it takes too long")
        time.sleep(0.005)


class Client:
    def __init__(self, address, token):
        self.connection = HTTPConnection(address, timeout=300)
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}

    def call(self, method, path, body):
        self.connection.request(method, "/scim/v2" + path, json.dumps(body), self.headers)
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{method} {path}: {answer.status} {content[:500]}")
        return json.loads(content)

    def create(self, names):
        operations = [
            {"method": "POST", "path": "/Users", "bulkId": name, "data": {"schemas": [USER], "userName": f"{name}@example.com"}}
            for name in names
        ]
        answer = self.call("POST", "/Bulk", {"schemas": [BULK], "Operations": operations})
        return [operation["location"].rsplit("/", 1)[1] for operation in answer["Operations"]]

    def deactivate(self, user):
        operation = {"op": "replace", "path": "active", "value": False}
        self.call("PATCH", f"/Users/{user}", {"schemas": [PATCH], "Operations": [operation]})


def populate(client, prefix, count):
    ids = []
    for begin in range(0, count, 500):
        ids += client.create([f"{prefix}{number}" for number in range(begin, min(begin + 500, count))])
    return ids


def deactivate_all(address, token, ids, threads=16):
    def work(part):
        client = Client(address, token)
        for user in part:
            client.deactivate(user)

    running = [threading.Thread(target=work, args=(ids[at::threads],)) for at in range(threads)]
    for thread in running:
        thread.start()
    return running


speed = subprocess.run(["openssl", "speed", "-seconds", "2", "rsa2048"], capture_output=True, text=True, check=True)
signing = float(re.search(r"^rsa +2048 bits +\S+ +\S+ +([0-9.]+)", speed.stdout, re.M).group(1))

server = subprocess.Popen(
    [program, "serve", "--listen", "127.0.0.1:0"],
    env=environment, stdout=subprocess.PIPE, stderr=open(f"{folder.name}/log", "w"), text=True,
)
try:
    address = server.stdout.readline().split("http://", 1)[1].split("/", 1)[0]
    token = server.stdout.readline().split(": ", 1)[1].strip()
    muster("org", "create", "other")
    muster("connection", "create", "--org", "other", "first")
    other_token = muster("token", "issue", "--org", "other", "--kind", "scim", "--connection", "first").strip()
    client, other = Client(address, token), Client(address, other_token)
    ids, bystander = populate(client, "leaver", leavers + signals), populate(other, "bystander", 1)[0]
    arrivals, elsewhere = receiver("default"), receiver("other")

    # It is told that it is paused, and later that it goes on.
    muster("receiver", "pause", "measured", "--org", "default")
    until(lambda: arrivals[0] >= 1)
    with arrivals.get_lock():
        arrivals[0] = arrivals[1] = arrivals[2] = 0
    for thread in deactivate_all(address, token, ids[:signals]):
        thread.join()
    muster("receiver", "resume", "measured", "--org", "default")
    until(lambda: arrivals[0] >= signals + 1)
    rate = signals / (arrivals[2] - arrivals[1])
    say("outbox", signals=signals, per_s=rate, signing_per_s=signing, ratio=rate / signing)

    began = time.time()
    running = deactivate_all(address, token, ids[signals:])
    until(lambda: arrivals[0] >= signals + 1 + leavers / 10)
    left = time.time()
    other.deactivate(bystander)
    until(lambda: elsewhere[0] >= 1)
    say("bystander", seconds=elsewhere[1] - left, answered_seconds=time.time() - left)
    for thread in running:
        thread.join()
    say("division", leavers=leavers, denied_seconds=time.time() - began)
    until(lambda: arrivals[0] >= signals + 1 + leavers)
    say("division_told", leavers=leavers, seconds=arrivals[2] - began)
finally:
    server.terminate()
    server.wait()
