/* emit BYTES: that many bytes to stdout and as many to stderr, in turns, so
 * that a reader has to drain both. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char block[65536];

static int put(int fd, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, block, size);

        if (n < 0)
            return -1;
        size -= (size_t)n;
    }
    return 0;
}

int main(int argc, char **argv)
{
    unsigned long long left = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;

    memset(block, 'x', sizeof block);
    while (left > 0) {
        size_t size = left < sizeof block ? (size_t)left : sizeof block;

        if (put(1, size) != 0 || put(2, size) != 0)
            return 1;
        left -= size;
    }
    return 0;
}
