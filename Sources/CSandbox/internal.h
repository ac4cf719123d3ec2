#pragma once
#include <seccomp.h>
#include <sys/types.h>

#include "CSandbox.h"

// Writes `csandbox: …` with errno's text if `error` is not 0, and exits.
_Noreturn void csandbox_fail(int code, int error, const char *step, const char *advice);

// Reads the list and compiles it; every other system call gets `refusal`.
scmp_filter_ctx csandbox_read_list(const struct csandbox_profile *profile, uint32_t refusal);

// The supervisor's life. `listener` is -1 where no refused call is to be told; `as_nobody`: what the child was mapped
// to. Never returns.
_Noreturn void csandbox_supervise(pid_t child, int child_fd, int listener, int as_nobody);

// Writes how the confined process ended and exits: by the refused call where `refused` is not negative, else by
// `waitid`'s code and status.
_Noreturn void csandbox_leave(int refused, uint32_t arch, int ended_how, int status);

// Watches a child that has stopped itself, inside a kernel that tells of refused calls by tracing alone.
_Noreturn void csandbox_trace(pid_t child);

// Control groups handed over as the descriptors `first` and up: the version 2 folder among them or -1; joining by
// the version 1 files alone; joining all.
int csandbox_group_folder(int first, int count);
void csandbox_join_tasks(int first, int count);
void csandbox_join_groups(int first, int count);

// A child in namespaces of its own, born in that group where it is not negative. It waits until `csandbox_map_user`
// has made it somebody there: nobody outside as well where root starts it, else the starting user.
pid_t csandbox_clone_into_namespaces(int *child_fd, uint64_t more, int group);
void csandbox_map_user(pid_t child, int as_nobody);
void csandbox_drop_capabilities(void);

// Keeps a virtual machine's monitor; `arguments` are acceleration, highest descriptor, program and its own. `folder`,
// where it is not NULL, is what the monitor sees of the host's, and where it may write files of that size.
_Noreturn void csandbox_keep_machine(char **arguments, const char *folder, uint64_t file_bytes);
