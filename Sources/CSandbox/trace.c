// The watcher inside gVisor, whose kernel has no way to tell another process of a refused system call but tracing. The
// confined process cannot reach it: signals and tracing are not on its list. When the watcher ends, so does its child.
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "internal.h"

// The number of the system call that a stopped process has asked for.
static int asked(pid_t child) {
    struct user_regs_struct registers;
    struct iovec into = {&registers, sizeof registers};
    if (ptrace(PTRACE_GETREGSET, child, NT_PRSTATUS, &into) != 0) return -1;
#if defined(__x86_64__)
    return (int)registers.orig_rax;
#else
    return (int)registers.regs[8];
#endif
}

static void end(pid_t child) {
    int status;
    kill(child, SIGKILL);
    while (waitpid(child, &status, __WALL) == child && !WIFEXITED(status) && !WIFSIGNALED(status)) {}
}

_Noreturn void csandbox_trace(pid_t child) {
    int status;
    // The child has stopped itself before it takes its list.
    if (waitpid(child, &status, __WALL) != child || !WIFSTOPPED(status))
        csandbox_fail(CSANDBOX_EXIT_STEP, errno, "meeting the confined process", NULL);
    if (ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL) != 0)
        csandbox_fail(CSANDBOX_EXIT_STEP, errno, "watching the confined process", NULL);
    close(0);
    close(1);
    int signal_number = 0;
    for (;;) {
        if (ptrace(PTRACE_CONT, child, 0, signal_number) != 0 && errno != ESRCH) end(child);
        signal_number = 0;
        if (waitpid(child, &status, __WALL) != child) {
            if (errno == EINTR) continue;
            _exit(CSANDBOX_EXIT_STEP);
        }
        if (WIFEXITED(status)) csandbox_leave(-1, 0, CLD_EXITED, WEXITSTATUS(status));
        if (WIFSIGNALED(status)) csandbox_leave(-1, 0, CLD_KILLED, WTERMSIG(status));
        if (status >> 16 == PTRACE_EVENT_SECCOMP) {
            int number = asked(child);
            end(child);
            csandbox_leave(number < 0 ? 0x7fffffff : number, seccomp_arch_native(), 0, 0);
        }
        if (status >> 16 == 0 && WSTOPSIG(status) != SIGSTOP) signal_number = WSTOPSIG(status);
    }
}
