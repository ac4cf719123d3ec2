#!/usr/bin/env python3
"""Stands in for Firecracker where it cannot run: the same command line, API socket and ports, and no machine.

    firecracker.py --id NAME --api-sock PATH [--start-time-us N --start-time-cpu-us N]

Every request is checked against Firecracker's published description (`firecracker.yaml`): method, path, headers, the
body's fields and their kinds, and the order that it asks for. What does not fit is refused as Firecracker refuses it.
What was asked is kept in `state` when a snapshot is taken. In the machine's place the first root's /init, which is the
runner, is started as a program of this system, so that a plugin can be called through the whole driver.
"""
import argparse, json, os, re, socket, stat, struct, subprocess, sys, threading, time

WORD, PATH, FLAG = str, str, bool
# Path: field -> (kind, is it needed, values or least value).
DESCRIPTION = {
    ("GET", "/version"): {},
    ("PUT", "/machine-config"): {
        "vcpu_count": (int, True, range(1, 33)), "mem_size_mib": (int, True, range(1, 1 << 20)),
        "smt": (FLAG, False, None), "track_dirty_pages": (FLAG, False, None),
        "huge_pages": (WORD, False, ("None", "2M")), "cpu_template": (WORD, False, None)},
    ("PUT", "/boot-source"): {
        "kernel_image_path": (PATH, True, None), "initrd_path": (PATH, False, None), "boot_args": (WORD, False, None)},
    ("PUT", "/vsock"): {"guest_cid": (int, True, range(3, 1 << 32)), "uds_path": (PATH, True, None)},
    ("PUT", "/actions"): {
        "action_type": (WORD, True, ("FlushMetrics", "InstanceStart", "SendCtrlAltDel"))},
    ("PATCH", "/vm"): {"state": (WORD, True, ("Paused", "Resumed"))},
    ("PUT", "/snapshot/create"): {
        "mem_file_path": (PATH, True, None), "snapshot_path": (PATH, True, None),
        "snapshot_type": (WORD, False, ("Full", "Diff"))},
    ("PUT", "/snapshot/load"): {
        "snapshot_path": (PATH, True, None), "mem_backend": (dict, False, None), "mem_file_path": (PATH, False, None),
        "track_dirty_pages": (FLAG, False, None), "resume_vm": (FLAG, False, None)},
}
BACKEND = {"backend_type": (WORD, True, ("File", "Uffd")), "backend_path": (PATH, True, None)}
RECORD_BYTES, PORTS = 73, {1025: "frames", 1026: "report", 1027: "guard"}
RELEASE = "6.1.0-stand-in"


class Refused(Exception):
    pass


def check(fields, body, what):
    if not isinstance(body, dict):
        raise Refused(f"{what}: an object is expected")
    for name in body.keys() - fields.keys():
        raise Refused(f"{what}: unknown field `{name}`")
    for name, (kind, is_needed, allowed) in fields.items():
        if name not in body:
            if is_needed:
                raise Refused(f"{what}: missing field `{name}`")
            continue
        value = body[name]
        if type(value) is not kind:
            raise Refused(f"{what}: invalid type for `{name}`")
        if allowed is not None and value not in allowed:
            raise Refused(f"{what}: invalid value for `{name}`")


class Guest:
    """What the machine would hold: the runner, and its first process's side of the three ports."""

    def __init__(self, program, rules=b"", is_booting=False):
        self.program, self.rules, self.is_booting = program, rules, is_booting
        self.guard, self.released, self.lock = None, threading.Event(), threading.Lock()
        self.listens_at = time.monotonic() + 0.1
        self.frames, theirs = socket.socketpair()
        self.report, their_report = socket.socketpair()
        memory = os.memfd_create("init", 0)
        os.write(memory, program)
        self.process = subprocess.Popen(
            ["init"], executable=f"/proc/self/fd/{memory}", stdin=theirs, stdout=theirs, stderr=their_report, env={},
            pass_fds=[memory])
        for end in (theirs, their_report):
            end.close()
        if rules:
            self.frames.sendall(struct.pack(">I", len(rules)) + rules)
        threading.Thread(target=self.wait, daemon=True).start()

    def wait(self):
        code = self.process.wait()
        time.sleep(0.1)
        if self.guard:
            self.guard.sendall(f"guest: exit {code if code >= 0 else 128 - code}\n".encode())
        time.sleep(0.1)
        os._exit(0)

    def serve(self, port, connection):
        if time.monotonic() < self.listens_at:
            return connection.close()
        connection.sendall(b"OK 1073741824\n")
        kind = PORTS[port]
        if kind == "guard":
            self.guard = connection
            while record := connection.recv(RECORD_BYTES, socket.MSG_WAITALL):
                if len(record) != RECORD_BYTES or record[:1] != b"S":
                    return connection.close()
                connection.sendall(f"guest: seeded {RELEASE}\n".encode())
        elif kind == "report":
            if self.is_booting:
                self.released.wait()
                connection.sendall(b"guest: ready\n")
            self.hand_on(self.report, connection)
        else:
            if self.is_booting:
                length = struct.unpack(">I", connection.recv(4, socket.MSG_WAITALL))[0]
                self.rules = connection.recv(length, socket.MSG_WAITALL)
                self.released.set()
            threading.Thread(target=self.hand_on, args=(self.frames, connection), daemon=True).start()
            self.hand_on(connection, self.frames)

    @staticmethod
    def hand_on(come, go):
        try:
            while some := come.recv(1 << 16):
                go.sendall(some)
        except OSError:
            pass


class Machine:
    def __init__(self):
        self.state, self.settings, self.asked, self.guest = "new", {}, [], None

    def ask(self, method, path, body):
        fields = DESCRIPTION.get((method, path))
        if fields is None:
            raise Refused(f"Invalid request method and/or path: {method} {path}")
        if method == "GET":
            if body is not None:
                raise Refused("GET request cannot have a body")
            return {"firecracker_version": "1.7.0"}
        check(fields, body, path)
        self.asked.append([method, path, body])
        if path in ("/machine-config", "/boot-source", "/vsock"):
            self.must_be("new", path)
            for name in ("kernel_image_path", "initrd_path"):
                if name in body and not os.path.isfile(body[name]):
                    raise Refused(f"{path}: `{name}`: no such file")
            self.settings[path] = body
        elif path == "/actions":
            self.must_be("new", path)
            if "/boot-source" not in self.settings:
                raise Refused("Cannot start microvm without kernel configuration")
            self.boot()
        elif path == "/vm":
            if self.state not in ("running", "paused"):
                raise Refused("The requested operation is not supported before starting the microVM")
            self.state = "paused" if body["state"] == "Paused" else "running"
        elif path == "/snapshot/create":
            self.must_be("paused", path)
            self.create(body)
        elif path == "/snapshot/load":
            if self.state != "new" or self.settings:
                raise Refused("Loading a microVM snapshot not allowed after configuring boot-specific resources")
            self.load(body)
        return None

    def must_be(self, state, path):
        if self.state != state:
            raise Refused(f"{path}: The requested operation is not supported in state {self.state}")

    def boot(self):
        source = self.settings["/boot-source"]
        with open(source["kernel_image_path"], "rb") as kernel:
            if kernel.read(4) != b"\x7fELF":
                raise Refused("Cannot load kernel due to invalid image")
        if not re.search(r"(^| )reboot=k .*panic=-1|(^| )panic=-1 .*reboot=k", source["boot_args"]):
            raise Refused("the stand-in's own: a guest that ends must end the machine")
        root = archive(open(source["initrd_path"], "rb").read())
        for driver in (b"virtio", b"vsock"):
            if not any(driver in content for name, content in root.items() if name.startswith("modules/")):
                raise Refused("the stand-in's own: a driver is missing in the first root")
        if not source["boot_args"].endswith(" --guest --sockets"):
            raise Refused("the stand-in's own: the first process is not told what it is")
        self.guest = Guest(root["init"], is_booting=True)
        self.state = "running"
        self.listen(self.settings["/vsock"]["uds_path"])

    def create(self, body):
        with open(body["mem_file_path"], "wb") as memory:
            memory.write(self.guest.program)
        kept = {"rules": self.guest.rules.decode(), "ports": self.settings["/vsock"]["uds_path"], "asked": self.asked}
        with open(body["snapshot_path"], "w") as state:
            json.dump(kept, state)

    def load(self, body):
        if ("mem_backend" in body) == ("mem_file_path" in body):
            raise Refused("exactly one of `mem_backend` and `mem_file_path` is expected")
        if "mem_backend" in body:
            check(BACKEND, body["mem_backend"], "mem_backend")
        memory = body.get("mem_file_path") or body["mem_backend"]["backend_path"]
        kept = json.load(open(body["snapshot_path"]))
        self.guest = Guest(open(memory, "rb").read(), kept["rules"].encode())
        self.state = "running" if body.get("resume_vm") else "paused"
        self.listen(kept["ports"])

    def listen(self, path):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(8)
        threading.Thread(target=self.accept, args=(listener,), daemon=True).start()

    def accept(self, listener):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=self.connect, args=(connection,), daemon=True).start()

    def connect(self, connection):
        line = b""
        while not line.endswith(b"\n") and len(line) < 32:
            line += connection.recv(1) or b"\n"
        match = re.fullmatch(rb"CONNECT (\d+)\n", line)
        if match and int(match[1]) in PORTS:
            self.guest.serve(int(match[1]), connection)
        else:
            connection.close()


def archive(data):
    """The files of a `newc` archive."""
    found, at = {}, 0
    while True:
        if data[at:at + 6] != b"070701":
            raise Refused("the first root is no archive")
        numbers = [int(data[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
        mode, size, length = numbers[1], numbers[6], numbers[11]
        name = data[at + 110:at + 109 + length].decode()
        content = at + 110 + length + 3 & ~3
        if name == "TRAILER!!!":
            return found
        if stat.S_ISREG(mode):
            found[name] = data[content:content + size]
        at = content + size + 3 & ~3


def read_request(connection):
    """Method, path and body as they came; None at the end."""
    head = b""
    while b"\r\n\r\n" not in head:
        some = connection.recv(4096)
        if not some:
            return None
        head += some
    head, body = head.split(b"\r\n\r\n", 1)
    first, *rest = head.decode("ascii").split("\r\n")
    match = re.fullmatch(r"(GET|PUT|PATCH) (/\S*) HTTP/1\.1", first)
    if not match:
        raise Refused("Invalid HTTP Method, path or version")
    headers = dict(line.lower().split(": ", 1) for line in rest)
    length = int(headers.get("content-length", 0))
    if length and headers.get("content-type") != "application/json":
        raise Refused("Unsupported content type")
    if headers.get("accept", "application/json") != "application/json":
        raise Refused("Unsupported media type")
    while len(body) < length:
        body += connection.recv(length - len(body))
    if len(body) != length:
        raise Refused("more than the stated length")
    return match[1], match[2], json.loads(body) if length else None


def serve(connection, machine):
    while True:
        try:
            request = read_request(connection)
            if request is None:
                return
            answer, status = machine.ask(*request), "204 No Content"
        except Refused as refusal:
            answer, status = {"fault_message": str(refusal)}, "400 Bad Request"
        body = json.dumps(answer).encode() if answer is not None else b""
        if answer is not None and status.startswith("204"):
            status = "200 OK"
        head = f"HTTP/1.1 {status}\r\nServer: Firecracker API\r\nConnection: keep-alive\r\n"
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        connection.sendall(head.encode() + b"\r\n" + body)


def main():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--id", required=True)
    parser.add_argument("--api-sock", default="/run/firecracker.socket")
    parser.add_argument("--start-time-us")
    parser.add_argument("--start-time-cpu-us")
    options = parser.parse_args()
    if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", options.id):
        sys.exit("Invalid instance ID")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(options.api_sock)
    listener.listen(8)
    machine = Machine()
    while True:
        connection, _ = listener.accept()
        # One request at a time, as Firecracker's own server does it.
        serve(connection, machine)
        connection.close()


main()
