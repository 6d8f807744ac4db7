"""Reads the report of scim-sanity in strict mode: everything passes but what is explained here, and that does fail.

Usage: sanity.py REPORT
"""

import json
import sys

# What scim-sanity expects and Muster refuses by design, by the name of the test. Strict mode has no way to state it.
EXPLAINED = {
    "PATCH /Groups/{id} add member": "it adds a member id that was never issued and expects 200; Muster answers 400 and"
    " names the id, because such an id is a mistake its administrator should hear of (RFC 7644 leaves it open)",
}

with open(sys.argv[1]) as file:
    report = json.load(file)
assert report["mode"] == "strict", report["mode"]
failed = {result["name"]: result.get("message") for result in report["results"] if result["status"] in ("fail", "error", "warning")}
for name, reason in EXPLAINED.items():
    print(f"  explained: {name}: {reason}")
unexplained = {name: message for name, message in failed.items() if name not in EXPLAINED}
stale = [name for name in EXPLAINED if name not in failed]
if unexplained or stale:
    sys.exit(f"scim-sanity: not explained: {unexplained}; explained but not failing: {stale}")
print(f"  {report['summary']['passed']} passed")
