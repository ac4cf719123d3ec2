#!/usr/bin/env python3
"""Kills the real nightly run before a seeded write, fsync or rename, runs it again, and compares all final bytes.

`veroforge run nightly` works on a small marketplace's month under shim.c, which counts those calls and ends the
process by SIGKILL at the chosen one. Afterwards the same night runs to its end; every file below billing/ and usage/
and every row of the ledger must be those of a run that nothing disturbed. CRASHES says how many times.
"""

import filecmp
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CRASHES = int(os.environ.get("CRASHES", "500" if os.environ.get("VEROFORGE_TEST_FULL") else "50"))
BUILT = [ROOT / ".build" / kind / "veroforge" for kind in ("release", "debug")]
# The newest of what was built.
PROGRAM = max((path for path in BUILT if path.exists()), key=lambda path: path.stat().st_mtime)
# Invoices; payments; payouts, once the demo's 14 days of hold are over.
NIGHTS = ["2026-02-03T01:00:00Z", "2026-02-06T01:00:00Z", "2026-02-21T01:00:00Z"]
TENANTS = ("acme-field", "globex-sample", "nippon-sample")
PRICE = {
    "currency": "EUR", "model": "payPerUse",
    "plans": [{
        "amount": "9.99", "charges": [{"metric": "calls", "scheme": "perUnit", "unitAmount": "0.137"}],
        "id": "metered", "interval": "month"}],
}


def veroforge(*arguments, **environment):
    return subprocess.run(
        [PROGRAM, *arguments], env={**os.environ, **environment}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True)


def digest(value):
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def prepare(data):
    """A marketplace's month: subscriptions and calls of three tenants."""
    made = veroforge("init", "--demo", "--data", str(data))
    if made.returncode:
        sys.exit(made.stderr)
    made = veroforge(
        "publisher", "register", "northwind-samples", "--name", "Northwind Samples", "--email",
        "dev@example.com", "--country", "DE", "--key", str(data.parent / "publisher.key"), "--data", str(data))
    if made.returncode:
        sys.exit(made.stderr)
    folder = data / "usage" / "2026-01-05"
    folder.mkdir(parents=True)
    lines = []
    for number, tenant in enumerate(TENANTS):
        lines.append({
            "kind": "subscription", "id": f"sub-{tenant}", "time": "2026-01-05T09:00:00Z", "node": "node-a",
            "seq": len(lines) + 1, "tenant": tenant, "plugin": "northwind-samples.pings", "version": "1.0.0",
            "change": "install", "plan": "metered", "seats": 1, "price": digest(PRICE), "pricing": PRICE,
            "country": "DE", "customer": tenant})
        for call in range(40 + number):
            lines.append({
                "id": f"call-{tenant}-{call}", "time": f"2026-01-{call % 20 + 6:02}T10:00:00Z", "node": "node-a",
                "seq": len(lines) + 1, "tenant": tenant, "plugin": "northwind-samples.pings",
                "version": "1.0.0", "action": "run", "plan": "metered", "outcome": "ok", "calls": 1,
                "apiCalls": 2, "executionMs": 30 + call, "bytesIn": 10, "bytesOut": 20, "storageBytes": 0})
    header = {"segment": {"schema": 1, "node": "node-a", "sequence": 1, "previous": None}}
    text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in [header, *lines]).encode()
    seal = {"seal": {"count": len(lines), "sha256": hashlib.sha256(text).hexdigest()}}
    text += (json.dumps(seal, separators=(",", ":")) + "\n").encode()
    (folder / "node-a-00000001.jsonl").write_bytes(text)


def pay(data):
    """After the first night everybody pays."""
    rows = ["id,date,amount,currency,reference,payer"]
    for path in sorted(data.glob("billing/2026-01/invoices/VF-*.json")):
        total = json.loads(path.read_text())["total"]
        rows.append(f"r-{path.stem},2026-02-05,{total['amount']},{total['currency']},{path.stem},x")
    bank = data / "billing" / "bank"
    bank.mkdir(parents=True, exist_ok=True)
    (bank / "feb.csv").write_text("\n".join(rows) + "\n")


def night(data, as_of, shim=None, at=None, count=None):
    environment = {}
    if shim:
        environment = {"LD_PRELOAD": str(shim), "FAULT_BELOW": str(data)}
        if at:
            environment["FAULT_AT"] = str(at)
        if count:
            environment["FAULT_COUNT"] = str(count)
    return veroforge("run", "nightly", "--as-of", as_of, "--data", str(data), **environment)


def finished(run, what):
    # 1: something for a person to look at (an alarm); the night itself is done.
    if run.returncode not in (0, 1):
        sys.exit(f"{what} ended with {run.returncode}\n{run.stdout}\n{run.stderr}")


def files(data):
    return sorted(
        str(path.relative_to(data)) for part in ("billing", "usage") for path in (data / part).rglob("*")
        if path.is_file() and not path.name.endswith(".partial"))


def rows(data):
    with sqlite3.connect(data / "ledger.sqlite") as base:
        tables = [name for (name,) in base.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'grdb%' ORDER BY 1")]
        return {table: base.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in tables}


def main():
    with tempfile.TemporaryDirectory() as name:
        scratch = pathlib.Path(name).resolve()
        shim = scratch / "shim.so"
        subprocess.run(
            ["cc", "-O1", "-shared", "-fPIC", "-Wall", "-Werror", "-o", shim, ROOT / "Tests/Crash/shim.c", "-ldl"],
            check=True)
        start = scratch / "start"
        prepare(start)
        whole = scratch / "whole"
        shutil.copytree(start, whole, symlinks=True)
        counts = []
        befores = []
        for which, as_of in enumerate(NIGHTS):
            if which == 1:
                pay(whole)
            befores.append(scratch / f"before-{which}")
            shutil.copytree(whole, befores[-1], symlinks=True)
            counter = scratch / "count"
            finished(night(whole, as_of, shim, count=counter), "the undisturbed night")
            counts.append(int(counter.read_text()))
        expected_files, expected_rows = files(whole), rows(whole)
        assert any("/payouts/PO-" in path for path in expected_files), "the last night pays out"
        chance = random.Random(17)
        for number in range(CRASHES):
            data = scratch / "data"
            which = number % len(NIGHTS)
            shutil.copytree(befores[which], data, symlinks=True)
            at = chance.randint(1, counts[which])
            run = night(data, NIGHTS[which], shim, at=at)
            if run.returncode != -signal.SIGKILL:
                # Fewer calls than before: only where threads share the work otherwise.
                finished(run, f"night {which} with call {at} of {counts[which]}")
            for later in range(which, len(NIGHTS)):
                if later == 1 and which == 0:
                    pay(data)
                finished(night(data, NIGHTS[later]), f"night {later} after call {at} of night {which}")
            if files(data) != expected_files:
                sys.exit(f"call {at} of night {which}: other files: {set(files(data)) ^ set(expected_files)}")
            for path in expected_files:
                if not filecmp.cmp(whole / path, data / path, shallow=False):
                    sys.exit(f"call {at} of night {which}: {path} differs")
            if rows(data) != expected_rows:
                sys.exit(f"call {at} of night {which}: the ledger differs")
            shutil.rmtree(data)
    print(f"{CRASHES} crashes at one of {counts} writes, syncs and renames: the same {len(expected_files)} files")


if __name__ == "__main__":
    main()
