#!/usr/bin/env python3
"""Stands in for Firecracker's jailer: its command line is checked as its documentation has it, the folder of the
machine is made or taken, the user is changed, and the program is started there. There is no root of its own.
"""
import argparse, os, re, sys

parser = argparse.ArgumentParser(allow_abbrev=False)
parser.add_argument("--id", required=True)
parser.add_argument("--exec-file", required=True)
parser.add_argument("--uid", required=True, type=int)
parser.add_argument("--gid", required=True, type=int)
parser.add_argument("--chroot-base-dir", default="/srv/jailer")
parser.add_argument("--resource-limit", action="append", default=[])
parser.add_argument("extra", nargs="*")
options = parser.parse_args()
if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", options.id):
    sys.exit("Invalid instance ID")
name = os.path.basename(options.exec_file)
if "firecracker" not in name or not os.path.isfile(options.exec_file):
    sys.exit("Invalid filename. The filename of `--exec-file` option must contain \"firecracker\"")
for limit in options.resource_limit:
    if not re.fullmatch(r"(fsize|no-file)=\d+", limit):
        sys.exit(f"Invalid resource argument: {limit}")
root = os.path.join(options.chroot_base_dir, name, options.id, "root")
os.makedirs(root, exist_ok=True)
os.chown(root, options.uid, options.gid)
os.chdir(root)
program = os.open(options.exec_file, os.O_RDONLY)
os.set_inheritable(program, True)
os.setgroups([])
os.setresgid(options.gid, options.gid, options.gid)
os.setresuid(options.uid, options.uid, options.uid)
os.execve(program, [name, "--id", options.id, "--start-time-us", "1", "--start-time-cpu-us", "1"] + options.extra, {})
