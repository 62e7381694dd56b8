/* A byte buffer that grows at its end, over memory that its owner provides.
 *
 * Output starts in the small room inside the struct, so that a child which says
 * little costs no allocation. When that is full, `grow` is asked for more: the
 * binding answers with a bytes object, into which the rest is then read directly
 * and which is handed to Python without a copy. */
#ifndef FP_BUFFER_H
#define FP_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

#define FP_BUFFER_INLINE 4096

typedef struct fp_buffer fp_buffer;

/* Makes `data` hold at least `capacity` bytes, keeping the first `size`, and sets
 * `data` and `capacity`. Where it cannot, it returns false and changes nothing. */
typedef bool (*fp_grow_fn)(fp_buffer *buffer, size_t capacity);

struct fp_buffer {
    unsigned char *data;
    size_t size;
    size_t capacity;
    fp_grow_fn grow;
    void *owner; /* for grow */
    unsigned char room[FP_BUFFER_INLINE];
};

/* Empties the buffer onto its own room. */
void fp_buffer_init(fp_buffer *buffer, fp_grow_fn grow, void *owner);

/* Whether the data is still in the struct itself (and so must be copied out). */
bool fp_buffer_is_inline(const fp_buffer *buffer);

/* Makes at least `spare` bytes of room behind `size`; false when memory is out. */
bool fp_buffer_reserve(fp_buffer *buffer, size_t spare);

/* A grow function over malloc, for callers without an allocator of their own. */
bool fp_buffer_grow_malloc(fp_buffer *buffer, size_t capacity);

/* Frees what fp_buffer_grow_malloc allocated. */
void fp_buffer_free_malloc(fp_buffer *buffer);

#endif
