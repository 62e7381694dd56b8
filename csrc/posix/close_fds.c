#include "close_fds.h"

#include <limits.h>
#include <stdint.h>

#include "probe.h"
#include "raw.h"

/* Where nothing can list the open descriptors, look at the numbers up to here: the
 * largest table that a Linux kernel allows unless its administrator said otherwise.
 * Never to SC_OPEN_MAX, which can be a thousand times that. */
#define FP_SEARCHED_FDS (1 << 20)

static bool fp_is_kept(int fd, const int *keep, size_t n_keep)
{
    for (size_t i = 0; i < n_keep; i++)
        if (keep[i] == fd)
            return true;
    return false;
}

#if FP_LINUX_SYSCALLS

static bool fp_close_by_range(int first, const int *keep, size_t n_keep, unsigned flags)
{
    unsigned from = (unsigned)first;
    for (size_t i = 0; i < n_keep; i++) {
        unsigned fd = (unsigned)keep[i];
        if (fd < from)
            continue;
        if (fd > from && fp_raw_close_range(from, fd - 1, flags) < 0)
            return false;
        from = fd + 1;
    }
    return fp_raw_close_range(from, ~0u, flags) == 0;
}

#endif

#if defined(__linux__)

/* The kernel's own record: libc's readdir allocates. */
struct fp_dirent64 {
    uint64_t inode;
    int64_t next;
    unsigned short size;
    unsigned char type;
    char name[];
};

/* The number that a name spells; -1 for "." and "..". */
static int fp_fd_number(const char *name)
{
    int number = 0;
    if (*name == '\0')
        return -1;
    for (; *name != '\0'; name++) {
        if (*name < '0' || *name > '9' || number > (INT_MAX - 9) / 10)
            return -1;
        number = number * 10 + (*name - '0');
    }
    return number;
}

static bool fp_close_by_proc(int first, const int *keep, size_t n_keep)
{
    _Alignas(struct fp_dirent64) char entries[1024];
    int dir = (int)fp_raw_open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return false;
    long count;
    /* The place in this folder is the descriptor's number: closing loses none. */
    while ((count = fp_raw_getdents(dir, entries, sizeof entries)) > 0) {
        for (long at = 0; at < count;) {
            const struct fp_dirent64 *entry = (const void *)(entries + at);
            int fd = fp_fd_number(entry->name);
            at += entry->size;
            if (fd >= first && fd != dir && !fp_is_kept(fd, keep, n_keep))
                fp_raw_close(fd);
        }
    }
    fp_raw_close(dir);
    return count == 0;
}

#endif

/* Asks for many numbers at once which are open, and closes those. */
static long fp_close_by_search(int first, const int *keep, size_t n_keep)
{
    struct pollfd asked[256];
    const int batch = (int)(sizeof asked / sizeof asked[0]);
    struct rlimit limit;
    int end = FP_SEARCHED_FDS;
    if (fp_raw_fd_limit(&limit) == 0 && limit.rlim_cur < FP_SEARCHED_FDS)
        end = (int)limit.rlim_cur;
    for (int from = first; from < end; from += batch) {
        int count = end - from < batch ? end - from : batch;
        for (int i = 0; i < count; i++) {
            asked[i].fd = from + i;
            asked[i].events = 0;
            asked[i].revents = 0;
        }
#if defined(__APPLE__)
        const bool known = false; /* of devices, poll says there that they are not open */
#else
        const bool known = fp_raw_poll(asked, (nfds_t)count) >= 0;
#endif
        for (int i = 0; i < count; i++)
            if (!(known && (asked[i].revents & POLLNVAL)) && !fp_is_kept(from + i, keep, n_keep))
                fp_raw_close(from + i);
    }
    return 0;
}

long fp_close_fds(int first, const int *keep, size_t n_keep, unsigned features)
{
#if FP_LINUX_SYSCALLS
    /* exec looks at all of them in any case, and then closes these with the rest. */
    if ((features & FP_FEATURE_RANGE_CLOEXEC) &&
        fp_close_by_range(first, keep, n_keep, FP_CLOSE_RANGE_CLOEXEC))
        return 0;
    if ((features & FP_FEATURE_CLOSE_RANGE) && fp_close_by_range(first, keep, n_keep, 0))
        return 0;
#endif
#if defined(__linux__)
    if ((features & FP_FEATURE_PROC_FDS) && fp_close_by_proc(first, keep, n_keep))
        return 0;
#endif
    (void)features;
    return fp_close_by_search(first, keep, n_keep);
}
