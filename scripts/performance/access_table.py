"""Prints the measures of decisions as the table of docs/performance.md: access_table.py FOLDER CRITERION."""

import json
import os
import sys

FOLDER, CRITERION = sys.argv[1], sys.argv[2]
BATCH = 100


def lines(name):
    """The JSON lines of a file; none where there is no file."""
    try:
        with open(f"{FOLDER}/{name}", encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.startswith("{")]
    except FileNotFoundError:
        return []


def row(work, measured, ratio, target, holds):
    print(f"| {work} | {measured} | {ratio} | {target} | {'yes' if holds else '**no**'} |")


rows = {line["m"]: line for line in lines("access.json")}
fill = rows["fill"]


def rate(name):
    found = rows[name]
    if found["ok"] != found["n"]:
        raise SystemExit(f"{name}: {found['n'] - found['ok']} answers were not 200")
    return found["rps"]


def limit(name):
    return (rate(f"limit_before_{name}") + rate(f"limit_after_{name}")) / 2


def median(group, function):
    """Nanoseconds; nothing where it was not measured."""
    path = os.path.join(CRITERION, group, function, "new", "estimates.json")
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)["median"]["point_estimate"]
    except FileNotFoundError:
        return None


population = f"{fill['users']:,} users × 20 groups, {fill['assignments']:,} assignments"
print("| work | measured | ratio | target | holds |")
print("|---|---|---|---|---|")
for name, work, target in (
    ("log_off", f"evaluation, 16 clients, {population}, decision log off", 0.75),
    ("log_on", "the same, decision log on", 0.6),
    ("guardrails", "the same with 20 guardrails, decision log on", 0.35),
):
    ratio = rate(name) / limit(name)
    row(work, f"{rate(name):,.0f}/s, p99 {rows[name]['p99_ms']:.3f} ms",
        f"{ratio:.2f} × parsing an evaluation ({limit(name):,.0f}/s)", f"≥ {target} ×", ratio >= target)
ratio = rate("batch") * BATCH / rate("log_on")
row(f"batch of {BATCH}, 16 clients", f"{rate('batch') * BATCH:,.0f} decisions/s", f"{ratio:.1f} × single ones", "≥ 8 ×", ratio >= 8)

few, most = (median("evaluation, 10,000 users in 20 groups each", f"assignments/{count}") for count in (100, 50_000))
if few and most:
    row("decision in memory, 100 → 50,000 assignments", f"{few:,.0f} → {most:,.0f} ns", f"{most / few:.2f} ×", "≤ 1.2 ×", most / few <= 1.2)
for function, target in (("who can deploy", 50), ("who can deploy, 20 guardrails", 500)):
    found = median("100,000 users in 20 groups each", function)
    if found:
        row(f"{function} to production, over 100,000 users", f"{found / 1e6:.1f} ms", "", f"≤ {target} ms", found <= target * 1e6)
for found in lines("graph_load.json"):
    row(f"loading 100,000 users × 20 groups, {found['database']}", f"{found['clock_ms'] / 1000:.2f} s, {found['memory_mib']} MiB",
        "", "≤ 3 s, ≤ 150 MiB", found["clock_ms"] <= 3000 and found["memory_mib"] <= 150)
