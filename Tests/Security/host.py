#!/usr/bin/env python3
"""A host that starts a hostile program in a runner's place, lets it spin, says so, and waits to be killed.

    host.py LIST PROGRAM [ARGUMENT...]
"""
import json, socket, struct, subprocess, sys

frames, theirs = socket.socketpair()
report, their_report = socket.socketpair()
process = subprocess.Popen(sys.argv[2:], stdin=theirs, stdout=theirs, stderr=their_report, env={}, close_fds=True)
theirs.close()
their_report.close()
rules = open(sys.argv[1], "rb").read()


def frame(kind, number, payload):
    return struct.pack(">IBI", len(payload), kind, number) + payload


frames.sendall(struct.pack(">I", len(rules)) + rules + frame(1, 0, b"VFRP" + struct.pack(">HH", 1, 1)))
answer = frames.recv(9)
frames.recv(1024)
request = json.dumps({"action": "go", "data": "spin"}, separators=(",", ":")).encode()
frames.sendall(frame(5, 1, bytes(20) + request))
print(process.pid, flush=True)
process.wait()
