/* Ends the process by SIGKILL just before its n-th write, fsync or rename of a file below a folder, counted in
   every thread together. FAULT_AT=n and FAULT_BELOW=folder; FAULT_COUNT=file takes down how many there were. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long passed;
static long fatal = -1;
static const char *below;

static void count_down(void) {
    const char *path = getenv("FAULT_COUNT");
    if (!path) return;
    FILE *file = fopen(path, "w");
    if (!file) return;
    fprintf(file, "%ld\n", atomic_load(&passed));
    fclose(file);
}

__attribute__((constructor)) static void start(void) {
    const char *at = getenv("FAULT_AT");
    below = getenv("FAULT_BELOW");
    if (at) fatal = atol(at);
    atexit(count_down);
}

static int is_ours(int descriptor) {
    char link[64], path[PATH_MAX];
    if (!below) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return strncmp(path, below, strlen(below)) == 0;
}

static void pass(void) {
    if (atomic_fetch_add(&passed, 1) + 1 == fatal) kill(getpid(), SIGKILL);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int descriptor, const void *bytes, size_t count) {
    if (is_ours(descriptor)) pass();
    return REAL(write)(descriptor, bytes, count);
}
ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t at) {
    if (is_ours(descriptor)) pass();
    return REAL(pwrite)(descriptor, bytes, count, at);
}
ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t at) {
    if (is_ours(descriptor)) pass();
    return REAL(pwrite64)(descriptor, bytes, count, at);
}
ssize_t writev(int descriptor, const struct iovec *parts, int count) {
    if (is_ours(descriptor)) pass();
    return REAL(writev)(descriptor, parts, count);
}
int fsync(int descriptor) {
    if (is_ours(descriptor)) pass();
    return REAL(fsync)(descriptor);
}
int fdatasync(int descriptor) {
    if (is_ours(descriptor)) pass();
    return REAL(fdatasync)(descriptor);
}
int ftruncate(int descriptor, off_t length) {
    if (is_ours(descriptor)) pass();
    return REAL(ftruncate)(descriptor, length);
}
int ftruncate64(int descriptor, off64_t length) {
    if (is_ours(descriptor)) pass();
    return REAL(ftruncate64)(descriptor, length);
}
int rename(const char *from, const char *to) {
    if (below && strncmp(to, below, strlen(below)) == 0) pass();
    return REAL(rename)(from, to);
}
int unlink(const char *path) {
    if (below && strncmp(path, below, strlen(below)) == 0) pass();
    return REAL(unlink)(path);
}
