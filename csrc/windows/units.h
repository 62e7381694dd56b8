/* A run of UTF-16 units, with its length beside it and not at its end. Windows' text, but
 * plain C: what works on it is built and tested everywhere. */
#ifndef FP_UNITS_H
#define FP_UNITS_H

#include <stddef.h>
#include <stdint.h>

typedef struct fp_units {
    const uint16_t *data;
    size_t size;
} fp_units;

#endif
