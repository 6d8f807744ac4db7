"""How long pages of the console take the server, and how large they are, in an organization of many people.

Usage: console.py PROGRAM [PEOPLE]

PROGRAM is the muster to run, best one built with --release; PEOPLE is 100,000 unless said otherwise. Fills a new SQLite
file over SCIM, signs in by a link, asks for each page of the navigation and of one person, group and gate 25 times, and
prints the median and the slowest time and the size of each. Exits with 1 if a median is over 20 ms or a page over 100 kB.
"""

import http.client
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

program = os.path.abspath(sys.argv[1])
people = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
TIMES = 25
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"

folder = tempfile.TemporaryDirectory(prefix="muster-console.")
environment = {**os.environ, "MUSTER_DATABASE_URL": f"sqlite:{folder.name}/muster.db", "MUSTER_RATE_LIMIT": "0", "MUSTER_LOG": "warn"}


def muster(*arguments):
    done = subprocess.run([program, *arguments], env=environment, cwd=folder.name, check=True, capture_output=True, text=True)
    return done.stdout.strip()


server = subprocess.Popen(
    [program, "serve", "--listen", "127.0.0.1:0"], env=environment, cwd=folder.name, stdout=subprocess.PIPE, text=True
)
try:
    link = ""
    while "/link/" not in link:
        link = server.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)(/link/\S+)", link)
    port, path = int(found[1]), found[2]
    origin = f"http://127.0.0.1:{port}"
    connection = http.client.HTTPConnection("127.0.0.1", port)
    cookies = {}

    def ask(method, address, body=None, headers=None):
        headers = {**(headers or {})}
        if cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        began = time.perf_counter()
        connection.request(method, address, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        took = time.perf_counter() - began
        for cookie in answer.headers.get_all("set-cookie") or []:
            name, value = cookie.split(";")[0].split("=", 1)
            cookies[name] = value
        return answer.status, text, took

    token = muster("token", "issue", "--kind", "scim", "--connection", "default")
    scim = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}
    ids = []
    for first in range(0, people, 1000):
        operations = [
            {
                "method": "POST", "path": "/Users", "bulkId": str(number),
                "data": {
                    "schemas": [USER], "userName": f"person{number:06}@example.com", "externalId": f"id-{number}",
                    "name": {"givenName": f"Given{number % 977}", "familyName": f"Family{number}"},
                    "displayName": f"Given{number % 977} Family{number}",
                    "emails": [{"value": f"person{number:06}@example.com", "type": "work", "primary": True}],
                },
            }
            for number in range(first, min(first + 1000, people))
        ]
        status, text, _ = ask("POST", "/scim/v2/Bulk", json.dumps({"schemas": [BULK], "Operations": operations}), scim)
        assert status == 200, text
        ids += [done["location"].rsplit("/", 1)[1] for done in json.loads(text)["Operations"]]
    for group in range(25):
        members = ids if group == 0 else ids[group::25]
        body = json.dumps({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": f"group {group}"})
        status, text, _ = ask("POST", "/scim/v2/Groups", body, scim)
        assert status == 201, text
        made = json.loads(text)["id"]
        for first in range(0, len(members), 20_000):
            value = [{"value": one} for one in members[first : first + 20_000]]
            body = json.dumps({"schemas": [PATCH], "Operations": [{"op": "add", "path": "members", "value": value}]})
            status, text, _ = ask("PATCH", f"/scim/v2/Groups/{made}", body, scim)
            assert status in (200, 204), text
    for project in range(3):
        muster("scope", "create", "--org", "default", f"/project{project}/production", "--production")
        muster("map", "--org", "default", f"group {project + 1}", "deployer", f"/project{project}/production")
    for one in ids[:200]:
        body = json.dumps({"schemas": [PATCH], "Operations": [{"op": "replace", "path": "active", "value": False}]})
        ask("PATCH", f"/scim/v2/Users/{one}", body, scim)

    _, page, _ = ask("GET", path)
    form = re.search(rb'name="token" value="([^"]+)"', page)[1].decode()
    status, _, _ = ask("POST", path, f"token={form}", {"Content-Type": "application/x-www-form-urlencoded", "Origin": origin, "Sec-Fetch-Site": "same-origin"})
    assert status == 303
    home = "/o/default"
    _, text, _ = ask("GET", home)
    pages = list(dict.fromkeys(re.findall(r'href="(/o/default[^"]*)"', text.decode().split('<nav class="side"')[1].split("</nav>")[0])))
    person = ids[-1]
    pages += [
        f"{home}/people/{person}", f"{home}/people/{person}/sessions", f"{home}/people?q=given1&state=active", f"{home}/people?seen=never&state=active",
        f"{home}/people?role=deployer&sort=user-name", f"{home}/settings/sign-in", f"{home}/settings/notifications",
        f"{home}/past?person=person{people - 1:06}%40example.com&on={time.strftime('%Y-%m-%d', time.gmtime())}",
        f"{home}/past?on={time.strftime('%Y-%m-%d', time.gmtime())}",
        f"{home}/past?on={time.strftime('%Y-%m-%d', time.gmtime())}&permission=deploy%3Arun&scope=%2Fproject0%2Fproduction",
    ]
    for place in ("groups", "people"):
        _, text, _ = ask("GET", f"{home}/{place}")
        found = re.search(rf'href="({home}/{place}/[0-9a-f-]{{36}})"', text.decode())
        if found:
            pages.append(found[1])
            if place == "groups":
                pages.append(f"{home}/people?group={found[1].rsplit('/', 1)[1]}")
        following = re.search(r'href="(\?[^"]*after=[^"]*)"', text.decode())
        if following:
            pages.append(f"{home}/{place}{following[1].replace('&#38;', '&').replace('&amp;', '&')}")
    over = 0
    print(f"{people} people, {TIMES} times each; milliseconds as the client sees them, on one connection")
    print(f"{'page':<60}{'median':>8}{'slowest':>9}{'bytes':>9}")
    for address in pages:
        times = []
        for _ in range(TIMES):
            status, text, took = ask("GET", address)
            times.append(took * 1000)
        median = statistics.median(times)
        is_over = median > 20 or len(text) > 100_000 or status not in (200, 303, 422)
        over += is_over
        print(f"{address[:58]:<60}{median:>8.1f}{max(times):>9.1f}{len(text):>9}{'  over' if is_over else ''}{'' if status == 200 else f'  ({status})'}")
    sys.exit(1 if over else 0)
finally:
    server.send_signal(signal.SIGTERM)
    server.wait()
    folder.cleanup()
