"""Runs one job of the worker for each archive and prints how it ended, its peak of resident memory in KiB, its name.

    peak.py WORKER SECCOMP-LIST RULES JOB ARCHIVE…

A process of its own, because a child's peak begins with its parent's size: the test's would cover what is measured.
"""

import os
import sys

worker, seccomp, rules, job, *archives = sys.argv[1:]
for archive in archives:
    reading, writing = os.pipe()
    given = [os.open(path, os.O_RDONLY) for path in (archive, seccomp, rules)]
    silence = os.open(os.devnull, os.O_WRONLY)
    pairs = [(given[0], 0), (writing, 1), (silence, 2), (given[1], 3), (given[2], 4)]
    # Away from the numbers that the worker expects, so that none is overwritten before it is used.
    high = [os.dup2(old, 40 + place) for place, (old, _) in enumerate(pairs)]
    actions = [(os.POSIX_SPAWN_DUP2, 40 + place, new) for place, (_, new) in enumerate(pairs)]
    process = os.posix_spawn(worker, [worker, job, '{"name": "peak"}'], os.environ, file_actions=actions)
    for descriptor in [*given, writing, silence, *high]:
        os.close(descriptor)
    while os.read(reading, 1 << 20):
        pass
    os.close(reading)
    _, status, usage = os.wait4(process, 0)
    print(status, usage.ru_maxrss, os.path.basename(archive))
