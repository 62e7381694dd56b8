/* The growing buffer. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "support.h"

static int grown;
static size_t refuse_above;

static bool counting_grow(fp_buffer *buffer, size_t capacity)
{
    if (capacity > refuse_above)
        return false;
    grown++;
    return fp_buffer_grow_malloc(buffer, capacity);
}

static void a_little_output_needs_no_memory_of_its_own(void)
{
    fp_buffer buffer;
    refuse_above = 0;
    fp_buffer_init(&buffer, counting_grow, NULL);
    CHECK(fp_buffer_is_inline(&buffer));
    CHECK(fp_buffer_reserve(&buffer, FP_BUFFER_INLINE));
    buffer.size = FP_BUFFER_INLINE;
    CHECK(fp_buffer_reserve(&buffer, 0));
    CHECK(!fp_buffer_reserve(&buffer, 1));
    CHECK(fp_buffer_is_inline(&buffer) && buffer.size == FP_BUFFER_INLINE);
    CHECK_INT(grown, 0);
}

static void growing_keeps_every_byte_and_takes_few_steps(void)
{
    fp_buffer buffer;
    refuse_above = SIZE_MAX;
    fp_buffer_init(&buffer, counting_grow, NULL);
    const size_t total = 3 << 20;
    for (size_t at = 0; at < total; at += 1024) {
        if (!CHECK(fp_buffer_reserve(&buffer, 1024)))
            break;
        for (size_t i = 0; i < 1024; i++)
            buffer.data[at + i] = (unsigned char)((at + i) * 7 / 5);
        buffer.size += 1024;
    }
    size_t wrong = 0;
    for (size_t i = 0; i < total; i++)
        wrong += buffer.data[i] != (unsigned char)(i * 7 / 5);
    CHECK_INT(wrong, 0);
    CHECK(grown < 30);
    CHECK(buffer.capacity <= total * 2);
    fp_buffer_free_malloc(&buffer);
    CHECK(fp_buffer_is_inline(&buffer) && buffer.size == 0);
}

static void where_much_is_not_to_be_had_what_is_needed_is_tried(void)
{
    fp_buffer buffer;
    fp_buffer_init(&buffer, counting_grow, NULL);
    buffer.size = FP_BUFFER_INLINE;
    refuse_above = FP_BUFFER_INLINE + 1;
    CHECK(fp_buffer_reserve(&buffer, 1));
    CHECK_INT(buffer.capacity, FP_BUFFER_INLINE + 1);
    CHECK(!fp_buffer_reserve(&buffer, 2));
    CHECK_INT(buffer.size, FP_BUFFER_INLINE);
    fp_buffer_free_malloc(&buffer);
}

static void sizes_that_would_overflow_are_refused(void)
{
    fp_buffer buffer;
    refuse_above = SIZE_MAX;
    fp_buffer_init(&buffer, counting_grow, NULL);
    CHECK(!fp_buffer_reserve(&buffer, SIZE_MAX));
    CHECK(!fp_buffer_reserve(&buffer, SIZE_MAX - 10));
    CHECK(!fp_buffer_reserve(&buffer, SIZE_MAX / 2));
    CHECK_INT(grown, 0);
    CHECK(fp_buffer_is_inline(&buffer));
}

SUITE(buffer, CASE(a_little_output_needs_no_memory_of_its_own),
      CASE(growing_keeps_every_byte_and_takes_few_steps),
      CASE(where_much_is_not_to_be_had_what_is_needed_is_tried),
      CASE(sizes_that_would_overflow_are_refused));
