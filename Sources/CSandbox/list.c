// The list of system calls is data (rules/seccomp/*.list), one rule a line:
//
//     allow SYSCALL                         # why
//     allow SYSCALL argN & MASK == VALUE    # why
//     allow SYSCALL argN == VALUE           # why
//     errno NAME SYSCALL                    # why
//
// A rule without its why is an error, and so is everything that is not understood: a list that is half read
// would be a policy nobody wrote.
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

enum { LIST_BYTES_MAX = 64 << 10 };

static const struct {
    const char *name;
    int value;
} errors[] = {
    {"EACCES", EACCES}, {"EINVAL", EINVAL}, {"ENOENT", ENOENT}, {"ENOSYS", ENOSYS},
    {"ENOTTY", ENOTTY}, {"EPERM", EPERM},
};

static _Noreturn void refuse_line(int line, const char *what) {
    char step[160];
    snprintf(step, sizeof step, "the list of system calls, line %d: %s", line, what);
    csandbox_fail(CSANDBOX_EXIT_LIST, 0, step, NULL);
}

static size_t read_exactly(int fd, unsigned char *into, size_t wanted, int to_end) {
    size_t have = 0;
    while (have < wanted) {
        ssize_t got = read(fd, into + have, wanted - have);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) {
            struct pollfd ready = {.fd = fd, .events = POLLIN};
            poll(&ready, 1, -1);
            continue;
        }
        if (got < 0) csandbox_fail(CSANDBOX_EXIT_LIST, errno, "reading the list of system calls", NULL);
        if (got == 0) {
            // A host that goes away before it has said anything wanted nothing: leave quietly.
            if (have == 0 && !to_end) _exit(0);
            if (to_end) break;
            csandbox_fail(CSANDBOX_EXIT_LIST, 0, "the list of system calls ends early", NULL);
        }
        have += (size_t)got;
    }
    return have;
}

static uint32_t action_of(char **cursor, int line) {
    char *word = strsep(cursor, " ");
    if (strcmp(word, "allow") == 0) return SCMP_ACT_ALLOW;
    if (strcmp(word, "errno") != 0) refuse_line(line, "a rule begins with `allow` or `errno NAME`");
    char *name = *cursor ? strsep(cursor, " ") : "";
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (strcmp(errors[i].name, name) == 0) return SCMP_ACT_ERRNO(errors[i].value);
    refuse_line(line, "unknown errno name");
}

// `argN & MASK == VALUE` or `argN == VALUE`; returns the number of comparisons (0 or 1).
static unsigned comparison_of(const char *text, struct scmp_arg_cmp *into, int line) {
    unsigned arg, end = 0;
    unsigned long long mask, value;
    if (*text == '\0') return 0;
    if (sscanf(text, "arg%u & %lli == %lli%n", &arg, (long long *)&mask, (long long *)&value, &end) == 3 &&
        text[end] == '\0' && arg < 6) {
        *into = (struct scmp_arg_cmp){arg, SCMP_CMP_MASKED_EQ, mask, value};
        return 1;
    }
    end = 0;
    if (sscanf(text, "arg%u == %lli%n", &arg, (long long *)&value, &end) == 2 && text[end] == '\0' && arg < 6) {
        *into = (struct scmp_arg_cmp){arg, SCMP_CMP_EQ, value, 0};
        return 1;
    }
    refuse_line(line, "a condition reads `argN == VALUE` or `argN & MASK == VALUE`");
}

static void trim(char *text) {
    size_t length = strlen(text);
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t')) text[--length] = '\0';
}

static void add_rule(scmp_filter_ctx filter, char *rule, int line) {
    char *why = strchr(rule, '#');
    if (why == rule) return;
    if (why == NULL || why[1 + strspn(why + 1, " \t")] == '\0') refuse_line(line, "a rule says why after `#`");
    *why = '\0';
    trim(rule);
    char *cursor = rule;
    uint32_t action = action_of(&cursor, line);
    if (cursor == NULL) refuse_line(line, "a system call's name is missing");
    cursor += strspn(cursor, " ");
    char *name = strsep(&cursor, " ");
    int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR) refuse_line(line, "unknown system call");
    // Known to libseccomp but absent on this processor (`poll` on arm64): there is nothing to allow.
    if (number < 0) return;
    struct scmp_arg_cmp comparison;
    unsigned count = comparison_of(cursor ? cursor + strspn(cursor, " ") : "", &comparison, line);
    if (seccomp_rule_add_array(filter, action, number, count, &comparison) != 0)
        refuse_line(line, "libseccomp refuses the rule");
}

scmp_filter_ctx csandbox_read_list(const struct csandbox_profile *profile, uint32_t refusal) {
    static unsigned char text[LIST_BYTES_MAX + 1];
    size_t length;
    if (profile->list_has_length) {
        unsigned char head[4];
        read_exactly(profile->list_fd, head, sizeof head, 0);
        length = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
        if (length > LIST_BYTES_MAX)
            csandbox_fail(CSANDBOX_EXIT_LIST, 0, "the list of system calls is over 64 KiB", NULL);
        read_exactly(profile->list_fd, text, length, 0);
    } else {
        length = read_exactly(profile->list_fd, text, sizeof text, 1);
        if (length > LIST_BYTES_MAX)
            csandbox_fail(CSANDBOX_EXIT_LIST, 0, "the list of system calls is over 64 KiB", NULL);
        close(profile->list_fd);
    }
    if (length == 0) csandbox_fail(CSANDBOX_EXIT_LIST, 0, "the list of system calls is empty", NULL);
    if (memchr(text, '\0', length)) csandbox_fail(CSANDBOX_EXIT_LIST, 0, "the list holds a NUL byte", NULL);
    text[length] = '\0';

    scmp_filter_ctx filter = seccomp_init(refusal);
    // gVisor knows the older action only; for a process of one thread both mean the same.
    if (filter == NULL && refusal == SCMP_ACT_KILL_PROCESS) filter = seccomp_init(SCMP_ACT_KILL_THREAD);
    if (filter == NULL) csandbox_fail(CSANDBOX_EXIT_LIST, ENOMEM, "seccomp_init", NULL);
    // A call in another architecture's numbering (32-bit, x32) has no business here and no name either.
    seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    // A binary tree instead of a chain: the hot calls are not paid for by the length of the list.
    seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    char *rest = (char *)text;
    for (int line = 1; rest != NULL; line++) {
        char *rule = strsep(&rest, "\n");
        rule += strspn(rule, " \t");
        if (*rule != '\0') add_rule(filter, rule, line);
    }
    return filter;
}
