// The process that stays outside. Everything it sees comes from the kernel; it never reads the plugin's bytes.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "internal.h"

static volatile pid_t confined;

// SIGTERM is how the host ends a plugin: its child's number is safe to use here, because only this process reaps it.
static void end_child(int signal_number) {
    (void)signal_number;
    kill(confined, SIGKILL);
}

// The supervisor needs nothing either: it waits, kills one child, and writes one line.
static void confine_supervisor(int as_nobody) {
    if (!as_nobody) {
        // The child was left the starting user, for a device that only it may open: so is the right to end the child.
        csandbox_drop_capabilities();
    } else if (geteuid() == 0) {
        // The confined process runs as the same user, so the right to signal it remains.
        if (setgroups(0, NULL) != 0 || setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0)
            csandbox_fail(CSANDBOX_EXIT_STEP, errno, "the supervisor giving up root", NULL);
    }
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        csandbox_fail(CSANDBOX_EXIT_STEP, errno, "no_new_privs for the supervisor", NULL);
    static const char *const needed[] = {
        "poll", "ppoll", "ioctl", "kill", "waitid", "wait4", "write", "close", "exit_group", "rt_sigreturn",
        "restart_syscall", "brk", "mmap", "munmap", "futex",
    };
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    for (size_t i = 0; filter && i < sizeof needed / sizeof *needed; i++) {
        int number = seccomp_syscall_resolve_name(needed[i]);
        if (number >= 0) seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, 0, NULL);
    }
    if (filter == NULL || seccomp_load(filter) != 0)
        csandbox_fail(CSANDBOX_EXIT_STEP, errno, "the supervisor's own list", NULL);
    seccomp_release(filter);
}

_Noreturn void csandbox_leave(int refused, uint32_t arch, int ended_how, int status) {
    char line[96];
    int length = 0, code;
    if (refused >= 0) {
        char *name = seccomp_syscall_resolve_num_arch(arch, refused);
        length = snprintf(line, sizeof line, "csandbox: syscall %s %d\n", name ? name : "unknown", refused);
        code = CSANDBOX_EXIT_SYSCALL;
    } else if (ended_how == CLD_EXITED) {
        // A program of ours keeps below; one that is not ours any more must not pass for this one.
        code = status <= CSANDBOX_EXIT_OWN_MAX ? status : CSANDBOX_EXIT_OWN_MAX;
    } else {
        length = snprintf(line, sizeof line, "csandbox: signal %d\n", status);
        code = 128 + status;
    }
    if (length > 0 && write(2, line, (size_t)length) < 0) {
        // The host is gone; the exit code still tells.
    }
    _exit(code);
}

static _Noreturn void leave(int refused, uint32_t arch) {
    siginfo_t info = {0};
    while (waitid(P_PID, (id_t)confined, &info, WEXITED) != 0 && errno == EINTR) {}
    csandbox_leave(refused, arch, info.si_code, info.si_status);
}

_Noreturn void csandbox_supervise(pid_t child, int child_fd, int listener, int as_nobody) {
    confined = child;
    struct sigaction on_term = {.sa_handler = end_child};
    sigaction(SIGTERM, &on_term, NULL);
    // A terminal's interrupt is for the host, which decides; a report nobody reads must not kill the supervisor.
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    confine_supervisor(as_nobody);

    static struct seccomp_notif note;
    int refused = -1;
    struct pollfd watched[] = {
        {.fd = child_fd, .events = POLLIN}, {.fd = listener, .events = POLLIN}, {.fd = 2, .events = 0}};
    for (;;) {
        if (poll(watched, 3, -1) < 0) {
            if (errno == EINTR) continue;
            kill(child, SIGKILL);
            leave(refused, note.data.arch);
        }
        if (watched[1].revents & POLLIN) {
            memset(&note, 0, sizeof note);
            if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &note) == 0 && refused < 0) refused = note.data.nr;
            // Never answered: the call stays suspended until the process is gone.
            kill(child, SIGKILL);
        } else if (watched[1].revents != 0) {
            watched[1].fd = -1;
        }
        // Descriptor 2 has no reader any more: the host died or let go. A plugin does not outlive its host.
        if (watched[2].revents & (POLLERR | POLLHUP | POLLNVAL)) {
            kill(child, SIGKILL);
            watched[2].fd = -1;
        }
        if (watched[0].revents & POLLIN) leave(refused, note.data.arch);
    }
}
