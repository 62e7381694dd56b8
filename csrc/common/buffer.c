#include "buffer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void fp_buffer_init(fp_buffer *buffer, fp_grow_fn grow, void *owner)
{
    buffer->data = buffer->room;
    buffer->size = 0;
    buffer->capacity = sizeof buffer->room;
    buffer->grow = grow;
    buffer->owner = owner;
}

bool fp_buffer_is_inline(const fp_buffer *buffer)
{
    return buffer->data == buffer->room;
}

bool fp_buffer_reserve(fp_buffer *buffer, size_t spare)
{
    if (buffer->capacity - buffer->size >= spare)
        return true;
    if (spare > SIZE_MAX / 4 || buffer->size > SIZE_MAX / 4)
        return false;
    size_t need = buffer->size + spare;
    /* Half as much again: what is never touched is never resident, and a large
     * realloc moves page tables, not bytes. */
    size_t wanted = buffer->capacity + buffer->capacity / 2;
    if (wanted < need)
        wanted = need;
    return buffer->grow(buffer, wanted) || (wanted > need && buffer->grow(buffer, need));
}

bool fp_buffer_grow_malloc(fp_buffer *buffer, size_t capacity)
{
    bool was_inline = fp_buffer_is_inline(buffer);
    unsigned char *data = realloc(was_inline ? NULL : buffer->data, capacity);
    if (data == NULL)
        return false;
    if (was_inline)
        memcpy(data, buffer->room, buffer->size);
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

void fp_buffer_free_malloc(fp_buffer *buffer)
{
    if (!fp_buffer_is_inline(buffer))
        free(buffer->data);
    fp_buffer_init(buffer, buffer->grow, buffer->owner);
}
