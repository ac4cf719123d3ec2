"""Asks `plugin dev` what its page asks: the plugin, calls, operations as they happen, faults, a change of the folder."""
import json
import sys
import threading
import time
import urllib.error
import urllib.request

page, folder = sys.argv[1:]


def ask(path, body=None, **headers):
    data = None if body is None else json.dumps(body).encode()
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if data is not None:
        headers.setdefault("content-type", "application/json")
    request = urllib.request.Request(page + path, data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, dict(answer.headers), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read().decode()


def value(path, body=None):
    status, _, text = ask(path, body)
    assert status == 200, (path, status, text)
    return json.loads(text)


status, headers, html = ask("/")
assert status == 200 and "<title>" in html
assert "default-src 'self'" in headers["content-security-policy"]
assert ask("/dev.js")[0] == ask("/dev.css")[0] == 200
assert ask("/../plugin.json")[0] == 404
# A page from elsewhere, or a name that leads here, can call nothing.
assert ask("/call", {"action": "greet"}, origin="http://example.com")[0] == 403
assert ask("/description", host="example.com")[0] == 403
assert ask("/call", {"action": "greet"}, content_type="text/plain")[0] == 415

description = value("/description")
assert [action["name"] for action in description["actions"]] == ["greet"]
sample = description["actions"][0]["sample"]

# The first read of customers goes wrong, as the command line asked; the plugin's answer says so.
first = value("/call", {"action": "greet", "data": sample})
assert first["outcome"] in ("refused", "failed"), first
second = value("/call", {"action": "greet", "data": sample})
assert second["outcome"] == "ok" and second["operations"] == 1, second
assert value("/call", {"action": "greet", "data": {"other": 1}})["outcome"] == "wrong"
assert value("/call", {"action": "nothing"})["outcome"] == "wrong"

seen = value("/events?after=0")
kinds = [event["kind"] for event in seen["events"]]
assert kinds.count("operation") == 2 and kinds.count("answer") == 2 and "fault" in kinds, kinds
operations = [event for event in seen["events"] if event["kind"] == "operation"]
assert operations[0]["error"]["code"] == "upstream" and operations[1]["value"], operations

# An operation is listed while the page waits for it.
found = []
waiter = threading.Thread(target=lambda: found.extend(value(f"/events?after={seen['next']}")["events"]))
waiter.start()
time.sleep(0.3)
begin = time.monotonic()
value("/call", {"action": "greet", "data": sample})
waiter.join(10)
assert found and time.monotonic() - begin < 5, found

for words in ("slow:50", "429", "malformed", "500"):
    value("/fault", {"kind": words, "operation": "readData customers", "times": 1})
    outcome = value("/call", {"action": "greet", "data": sample})
    assert (outcome["outcome"] == "ok") == words.startswith("slow"), (words, outcome)
assert ask("/fault", {"kind": "loud"})[0] == 422
assert len(value("/records/customers")) > 10

# A change of the folder is loaded, and what does not build is said.
source = f"{folder}/src/index.ts"
text = open(source).read()
open(source, "w").write(text + "\nthis does not parse {\n")
def wait(kind, after):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        answer = value(f"/events?after={after}")
        after = answer["next"]
        if any(event["kind"] == kind for event in answer["events"]):
            return after
    raise AssertionError(f"no event {kind}")
after = wait("problem", value("/events?after=0")["next"])
open(source, "w").write(text.replace("Hello", "Good day"))
wait("loaded", after)
assert value("/call", {"action": "greet", "data": sample})["outcome"] == "ok"
print("simulator: the page holds")
