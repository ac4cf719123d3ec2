// Control groups that the host has made and hands over as descriptors: a version 1 group's `tasks` file, or a version 2
// group's folder. No path of the host's is told.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

static int is_folder(int fd) {
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
}

int csandbox_group_folder(int first, int count) {
    for (int fd = first; fd < first + count; fd++)
        if (is_folder(fd)) return fd;
    return -1;
}

static void join(int fd, const char *what) {
    // A thread that moves itself needs no lock of the whole machine: microseconds instead of milliseconds.
    if (fd < 0 || write(fd, "0", 1) != 1) csandbox_fail(CSANDBOX_EXIT_STEP, errno, what, NULL);
}

void csandbox_join_tasks(int first, int count) {
    for (int fd = first; fd < first + count; fd++)
        if (!is_folder(fd)) join(fd, "joining a control group");
}

void csandbox_join_groups(int first, int count) {
    csandbox_join_tasks(first, count);
    int folder = csandbox_group_folder(first, count);
    if (folder < 0) return;
    int members = openat(folder, "cgroup.procs", O_WRONLY | O_CLOEXEC);
    join(members, "joining the control group");
    close(members);
}
