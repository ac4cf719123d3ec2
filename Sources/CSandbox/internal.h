#pragma once
#include <seccomp.h>
#include <sys/types.h>

#include "CSandbox.h"

// Writes `csandbox: …` with errno's text if `error` is not 0, and exits.
_Noreturn void csandbox_fail(int code, int error, const char *step, const char *advice);

// Reads the list and compiles it; every other system call gets `refusal`.
scmp_filter_ctx csandbox_read_list(const struct csandbox_profile *profile, uint32_t refusal);

// The supervisor's life. Never returns.
_Noreturn void csandbox_supervise(pid_t child, int child_fd, int listener);
