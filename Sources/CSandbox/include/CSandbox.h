// How a process of ours gives up everything it does not need, before it has read a stranger's byte.
//
// `csandbox_confine` is the first statement of `veroforge-runner` and `veroforge-worker`. The process must still
// have one thread. Where it returns, the calling program continues as process 1 of its own namespaces, in an
// empty root, without a capability, under the list of system calls. Where it cannot be done it does not return:
// it writes one line to descriptor 2 and exits with one of the codes below, so that nothing ever runs unconfined.
//
// The process that the host spawned stays outside as the supervisor: it holds no descriptor but 2, reads no byte
// of a stranger, kills the confined process when the host closes the other end of descriptor 2 or sends SIGTERM,
// learns from the kernel which refused system call was tried, and passes the exit status on.
//
// How the host spawns (posix_spawn, an empty environment):
//   runner   fd 0 frames in, fd 1 frames out (may be one socket), fd 2 report pipe.
//            The first bytes on fd 0 are the list: four bytes of length, most significant first, then the text.
//            Its argument `--groups N` says that the descriptors from 3 are N control groups for the confined process.
//            csandbox_confine(&(struct csandbox_profile)CSANDBOX_RUNNER)
//   worker   argv = [worker, job, argumentsJSON], fd 0 input (file or pipe), fd 1 output (pipe), fd 2 report pipe,
//            fd 3 the list (read to its end), fd 4 and up: further read-only inputs, as the host passes them.
//            csandbox_confine(&(struct csandbox_profile)CSANDBOX_WORKER)
// Descriptor 2's first line is `csandbox: confined pid=N` (N as the host sees it). The last line before an exit
// with CSANDBOX_EXIT_SYSCALL is `csandbox: syscall NAME NUMBER`, before 128+signal `csandbox: signal NUMBER`.
// A program of ours uses exit codes below 64 for itself.
#pragma once
#include <stdint.h>

enum {
    CSANDBOX_EXIT_OWN_MAX = 63,        // what the confined program may end with itself; a higher code counts as this
    CSANDBOX_EXIT_NOT_PERMITTED = 70,  // the kernel or its settings forbid namespaces; the line says what to set
    CSANDBOX_EXIT_LIST = 71,           // the list of system calls could not be read or understood
    CSANDBOX_EXIT_STEP = 72,           // another step failed; the line names it
    CSANDBOX_EXIT_SYSCALL = 73,        // the confined process tried a system call outside its list
};

enum csandbox_place {
    CSANDBOX_ON_HOST = 0,  // native: every step
    CSANDBOX_INSIDE = 1,   // already inside gVisor: capabilities, rlimits and the list, watched by tracing
};

struct csandbox_profile {
    enum csandbox_place place;
    int list_fd;                   // the descriptor the list is read from
    int list_has_length;           // 1: length first, and the descriptor stays open; 0: read to the end, then closed
    int groups;                    // so many descriptors above highest_fd are control groups to join (groups.c)
    int highest_fd;                // every descriptor above is closed (the list's own excepted until it is read)
    uint64_t address_space_bytes;  // RLIMIT_AS
    uint64_t cpu_seconds;          // RLIMIT_CPU; 0: none, the host watches
    uint64_t open_files;           // RLIMIT_NOFILE
};

#define CSANDBOX_RUNNER                                                                                      \
    { .place = CSANDBOX_ON_HOST, .list_fd = 0, .list_has_length = 1, .highest_fd = 2,                        \
      .address_space_bytes = 512ull << 20, .cpu_seconds = 0, .open_files = 16 }

#define CSANDBOX_WORKER                                                                                      \
    { .place = CSANDBOX_ON_HOST, .list_fd = 3, .list_has_length = 0, .highest_fd = 15,                       \
      .address_space_bytes = 2048ull << 20, .cpu_seconds = 300, .open_files = 16 }

// Confines the calling process. Returns 0 in the confined process and in no other case.
int csandbox_confine(const struct csandbox_profile *profile);

// The same with the macros' values, for callers in Swift, which does not see compound macros.
int csandbox_confine_runner(enum csandbox_place place, int groups);
int csandbox_confine_worker(void);

// Says, where this is a virtual machine's guest, that the program waits for its first frame: the moment that the
// host keeps a snapshot of. Elsewhere it does nothing.
void csandbox_ready(void);
