// Keeps a program of someone else's that the host starts (a container's monitor): it joins the host's groups, ends the
// program when the host says so or is gone, and passes its exit on. It reads nothing.
//
//     veroforge-runner --guard GROUPS PROGRAM ARGUMENT…
//
// Descriptors 3 and up are the GROUPS control groups to join; the program sees descriptors 0 to 2.
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "internal.h"

static volatile pid_t kept;

static void end_kept(int signal_number) {
    (void)signal_number;
    kill(kept, SIGKILL);
}

static _Noreturn void pass_on(void) {
    int status = 0;
    while (waitpid(kept, &status, 0) < 0 && errno == EINTR) {}
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static _Noreturn void become_program(char **program, pid_t guard) {
    // Its end takes the program along, however it comes.
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != guard) _exit(CSANDBOX_EXIT_STEP);
    signal(SIGPIPE, SIG_DFL);
    char *empty[] = {NULL};
    execve(program[0], program, empty);
    csandbox_fail(CSANDBOX_EXIT_STEP, errno, program[0], NULL);
}

static _Noreturn void guard(int groups, char **program) {
    clearenv();
    csandbox_join_groups(3, groups);
    syscall(SYS_close_range, 3, ~0u, 0);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    pid_t self = getpid();
    pid_t child = fork();
    if (child < 0) csandbox_fail(CSANDBOX_EXIT_STEP, errno, "starting the program", NULL);
    if (child == 0) become_program(program, self);
    kept = child;
    struct sigaction on_term = {.sa_handler = end_kept};
    sigaction(SIGTERM, &on_term, NULL);
    signal(SIGPIPE, SIG_IGN);
    int child_fd = (int)syscall(SYS_pidfd_open, child, 0);
    if (child_fd < 0) csandbox_fail(CSANDBOX_EXIT_STEP, errno, "watching the program", NULL);
    // The frames are the program's: an end of them that stays open here would hide that it let go.
    close(0);
    close(1);
    struct pollfd watched[] = {{.fd = child_fd, .events = POLLIN}, {.fd = 2, .events = 0}};
    int wait_ms = -1;
    for (;;) {
        int happened = poll(watched, 2, wait_ms);
        if (happened < 0 && errno == EINTR) continue;
        if (watched[0].revents & POLLIN) pass_on();
        if (happened <= 0) {
            end_kept(0);
            wait_ms = -1;
        } else if (watched[1].revents & (POLLERR | POLLHUP | POLLNVAL)) {
            // Descriptor 2 has no reader any more: the host died or let go. Or the program, on its way out, has shut
            // it for all who share it, as gVisor does: it is given a moment to say how it ended.
            watched[1].fd = -1;
            wait_ms = 300;
        }
    }
}

// Before Swift's runtime starts, which the guard has no use for.
__attribute__((constructor(102))) static void guard_first(int count, char **arguments) {
    if (count > 3 && strcmp(arguments[1], "--guard") == 0) guard(atoi(arguments[2]), arguments + 3);
}
