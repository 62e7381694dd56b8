#include "wrap.h"

#include <errno.h>
#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

int wrap_failing_allocation = -1;
int wrap_allocations;
int wrap_bad_closes;
pid_t wrap_owner;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
int __real_close(int fd);
int __wrap_close(int fd);
int __real_posix_spawn_file_actions_init(posix_spawn_file_actions_t *actions);
int __wrap_posix_spawn_file_actions_init(posix_spawn_file_actions_t *actions);
int __real_posix_spawnattr_init(posix_spawnattr_t *attributes);
int __wrap_posix_spawnattr_init(posix_spawnattr_t *attributes);
int __real_posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *actions, int from, int to);
int __wrap_posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *actions, int from, int to);

static bool fails(void)
{
    wrap_allocations++;
    if (wrap_failing_allocation < 0 || wrap_failing_allocation-- > 0)
        return false;
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

int __wrap_posix_spawn_file_actions_init(posix_spawn_file_actions_t *actions)
{
    return fails() ? ENOMEM : __real_posix_spawn_file_actions_init(actions);
}

int __wrap_posix_spawnattr_init(posix_spawnattr_t *attributes)
{
    return fails() ? ENOMEM : __real_posix_spawnattr_init(attributes);
}

int __wrap_posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *actions, int from, int to)
{
    return fails() ? ENOMEM : __real_posix_spawn_file_actions_adddup2(actions, from, to);
}

int __wrap_close(int fd)
{
    int result = __real_close(fd);
    if (result < 0 && errno == EBADF && getpid() == wrap_owner) {
        wrap_bad_closes++;
        errno = EBADF;
    }
    return result;
}
