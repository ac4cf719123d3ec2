#!/usr/bin/env bash
# The author's verbs by the built programs: a new plugin is tested from cold in under a second; --watch runs again;
# JUnit and JSON are written; a recording is replayed to the byte, and one that comes out otherwise says so; logs.
set -uo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
programs=${VEROFORGE_PROGRAMS:-$root/.build/release}
export PATH="$programs:$PATH" VEROFORGE_HOME="$root"
folder=$(mktemp -d)
watcher=
cleanup() { [ -n "$watcher" ] && kill -TERM "$watcher" 2>/dev/null; rm -rf "$folder"; }
trap cleanup EXIT
cd "$folder" || exit 1
fail() { echo "authoring: $1"; exit 1; }
expect() { # code command…
    local code=$1
    shift
    "$@" >output 2>&1 </dev/null
    local status=$?
    [ "$status" = "$code" ] || { cat output; fail "$* ended with $status, not $code"; }
}

# From cold: a folder that was just made, nothing built. The machine may be busy: the best of five counts.
best=999999
for number in 1 2 3 4 5; do
    expect 0 veroforge plugin new "hello-samples.greeter$number"
    begin=$(date +%s%N)
    expect 0 veroforge plugin test "greeter$number"
    took=$((($(date +%s%N) - begin) / 1000000))
    [ "$took" -lt "$best" ] && best=$took
done
echo "authoring: plugin test on the starter template, cold: $best ms"
[ "$best" -lt 1000 ] || fail "plugin test took $best ms from cold"
grep -qE '^bundle [0-9]+ bytes, code [0-9]+ bytes, sandbox native$' output || fail "no sizes"
grep -qE '[0-9.]+ ms CPU, [0-9]+ KiB, [0-9]+ operations, [0-9]+ bytes\)$' output || fail "no usage"
grep -qE '^ +costs standard 0 USD' output || fail "no cost"

expect 2 veroforge plugin new
expect 2 veroforge plugin new hello-samples.greeter1 --folder greeter1
expect 2 veroforge plugin test greeter1 --isolation strong
expect 0 veroforge plugin new hello-samples.plain --language javascript
expect 0 veroforge plugin test plain --junit junit.xml --format json
python3 - <<'PY' || fail "JUnit or JSON is not what it should be"
import json, xml.etree.ElementTree as tree
suite = tree.parse("junit.xml").getroot()
report = json.load(open("output"))
assert suite.get("tests") == "2" and suite.get("failures") == "0"
assert report["holds"] and report["sandbox"] == "native" and report["bundleBytes"] > 500
PY
# On a terminal the id is asked for.
printf 'hello-samples.asked\n\n\n' | script -qec "veroforge plugin new" /dev/null >output 2>&1 || { cat output; fail "nothing was asked"; }
[ -f asked/src/index.ts ] || fail "the answers were not taken"

# --watch: runs, then again when a file changes, and says what fails.
veroforge plugin test greeter1 --watch >watch.log 2>&1 &
watcher=$!
wait_for() { for _ in $(seq 100); do grep -q "$1" watch.log && return; sleep 0.1; done; cat watch.log; fail "--watch did not say: $1"; }
wait_for '2 hold, 0 fail'
sed -i 's/Good morning, Ada Brown!/Good night/' greeter1/scenarios/greets.json
wait_for '1 hold, 1 fail'
kill -INT "$watcher"; wait "$watcher" || fail "--watch did not end in order"
watcher=

# A recording of a call that failed, replayed by the plugin that ran then and by a repaired one.
expect 0 veroforge plugin build greeter2
cat >recording.json <<'JSON'
{"schema": "veroforge.replay/1", "plugin": "hello-samples.greeter2", "version": "1.0.0", "bundle": "0", "config": {"greeting": "Hello"},
 "limits": {"cpuMs": 1000, "wallMs": 5000, "memoryMiB": 64, "tempMiB": 1, "storageMiB": 1, "apiCalls": 10, "egressBytes": 1000, "egressBytesPerSecond": 1000},
 "seed": "7", "clock": "2026-01-05T08:00:00Z", "action": "greet", "data": {"customerId": "cus-1"}, "extra": {"id": "call-1"},
 "steps": [{"ask": 0, "operation": "readData", "arguments": {"entity": "customers", "filters": [{"field": "id", "op": "eq", "value": "cus-1"}]}},
           {"answer": 0, "afterMs": 1, "error": {"code": "upstream", "message": "the application failed"}}],
 "output": {"ending": {"answer": {"success": false, "error": "upstream: the application failed"}}, "logs": []}}
JSON
veroforge plugin replay recording.json --plugin greeter2 --format json >replayed.json
# The first replay says what comes out; written into the recording it must come out again, byte for byte.
python3 - <<'PY' || { cat replayed.json; fail "the replay is not what it should be"; }
import json
now = json.load(open("replayed.json"))["now"]
assert "upstream" in json.dumps(now), now
recording = json.load(open("recording.json"))
recording["output"] = now
json.dump(recording, open("recording.json", "w"))
PY
expect 0 veroforge plugin replay recording.json --plugin greeter2
grep -qE 'the same [0-9]+ bytes, sha256 [0-9a-f]{64}' output || fail "the bytes are not said to be the same"
expect 0 veroforge plugin replay recording.json --plugin greeter2 --isolation gvisor
sed -i 's/"cus-1"}\]}}/"cus-2"}]}}/' recording.json
expect 1 veroforge plugin replay recording.json --plugin greeter2
grep -q 'is asked for now and was not then: readData' output || fail "the difference is not named"
expect 2 veroforge plugin replay recording.json --plugin greeter3
expect 2 veroforge plugin replay greeter2/plugin.json --plugin greeter2
expect 3 veroforge plugin replay nothing.json --plugin greeter2

# Logs of a data directory.
expect 0 veroforge init --data market
expect 3 veroforge plugin logs hello-samples.greeter2 --data market
mkdir -p market/logs
line() { printf '{"time":"%s","tenant":"acme","plugin":"%s","version":"1.0.0","call":"%s","action":"greet","level":"%s","text":"%s"}\n' "$@"; }
{ line 2026-01-05T08:00:00Z hello-samples.greeter2 c1 info begun; line 2026-01-05T08:00:01Z hello-samples.greeter2 c2 error 'broke\u001b[31m'
  line 2026-01-05T08:00:02Z hello-samples.other c3 error elsewhere; } >market/logs/2026-01-05.jsonl
expect 0 veroforge plugin logs hello-samples.greeter2 --data market
[ "$(wc -l <output)" = 2 ] || { cat output; fail "two lines were logged"; }
grep -q $'\x1b' output && fail "a plugin's text reaches the terminal as codes"
expect 0 veroforge plugin logs hello-samples.greeter2 --data market --level error
[ "$(wc -l <output)" = 1 ] || fail "one error was logged"
expect 3 veroforge plugin logs hello-samples.greeter2 --data market --tenant other-tenant
expect 2 veroforge plugin logs nonsense --data market
veroforge plugin logs hello-samples.greeter2 --data market --follow >watch.log 2>&1 &
watcher=$!
wait_for begun
line 2026-01-05T08:00:03Z hello-samples.greeter2 c4 warn later >>market/logs/2026-01-05.jsonl
wait_for later
kill -INT "$watcher"; wait "$watcher" || fail "--follow did not end in order"
watcher=
echo "authoring: new, test, watch, replay and logs hold"
