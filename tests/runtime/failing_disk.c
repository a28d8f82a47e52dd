/* A disk that fails: loaded before the C library, it refuses the n-th write or sync of a journal, and all later ones
 * succeed, as they would on a system that has dropped the pages. IONTO_FAIL is CALL:N:ERRNO, e.g. fdatasync:7:5. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int is_journal(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 8) return 0;
    path[length] = 0;
    return strcmp(path + length - 8, ".journal") == 0;
}

/* Whether this call of `name` is the one to refuse; then errno is set. */
static int refused(const char *name, int fd) {
    static int calls;
    const char *wanted = getenv("IONTO_FAIL");
    size_t length = strlen(name);
    if (!wanted || strncmp(wanted, name, length) != 0 || wanted[length] != ':' || !is_journal(fd)) return 0;
    int number, error;
    if (sscanf(wanted + length + 1, "%d:%d", &number, &error) != 2 || ++calls != number) return 0;
    errno = error;
    return 1;
}

ssize_t write(int fd, const void *data, size_t size) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) real = dlsym(RTLD_NEXT, "write");
    return refused("write", fd) ? -1 : real(fd, data, size);
}

int fdatasync(int fd) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fdatasync");
    return refused("fdatasync", fd) ? -1 : real(fd);
}

int fsync(int fd) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fsync");
    return refused("fsync", fd) ? -1 : real(fd);
}
