#include "envblock.h"

#include <stdlib.h>
#include <string.h>

bool fp_env_name_ok(fp_units name)
{
    for (size_t i = 0; i < name.size; i++)
        if (name.data[i] == 0 || (name.data[i] == '=' && i > 0))
            return false;
    return name.size > 0;
}

bool fp_env_fold_ascii(fp_units name, uint16_t *out)
{
    for (size_t i = 0; i < name.size; i++)
        if (name.data[i] >= 0x80)
            return false;
    for (size_t i = 0; i < name.size; i++) {
        uint16_t unit = name.data[i];
        out[i] = unit >= 'a' && unit <= 'z' ? (uint16_t)(unit - 'a' + 'A') : unit;
    }
    return true;
}

/* A unit's rank in the order of code points: surrogates stand for what is beyond all other
 * units. */
static unsigned fp_rank(uint16_t unit)
{
    bool surrogate = unit >= 0xD800 && unit <= 0xDFFF;
    return surrogate ? unit + 0x10000u : unit;
}

static int fp_compare_units(fp_units a, fp_units b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    for (size_t i = 0; i < common; i++)
        if (a.data[i] != b.data[i])
            return fp_rank(a.data[i]) < fp_rank(b.data[i]) ? -1 : 1;
    return (a.size > b.size) - (a.size < b.size);
}

/* qsort may swap what compares equal: the position decides then. */
static int fp_compare_entries(const void *first, const void *second)
{
    const fp_env_entry *a = first, *b = second;
    int order = fp_compare_units(a->folded, b->folded);
    return order != 0 ? order : (a->position > b->position) - (a->position < b->position);
}

size_t fp_env_normalize(fp_env_entry *entries, size_t count)
{
    size_t kept = 0;
    if (count == 0)
        return 0;
    for (size_t i = 0; i < count; i++)
        entries[i].position = i;
    qsort(entries, count, sizeof *entries, fp_compare_entries);
    for (size_t i = 0; i < count; i++) {
        bool last =
            i + 1 == count || fp_compare_units(entries[i].folded, entries[i + 1].folded) != 0;
        if (last)
            entries[kept++] = entries[i];
    }
    return kept;
}

static size_t fp_put_units(uint16_t *out, size_t at, fp_units text)
{
    if (out != NULL && text.size > 0)
        memcpy(out + at, text.data, text.size * sizeof *out);
    return at + text.size;
}

static size_t fp_put_unit(uint16_t *out, size_t at, uint16_t unit)
{
    if (out != NULL)
        out[at] = unit;
    return at + 1;
}

size_t fp_env_block(const fp_env_entry *entries, size_t count, uint16_t *out)
{
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        at = fp_put_units(out, at, entries[i].name);
        at = fp_put_unit(out, at, '=');
        at = fp_put_units(out, at, entries[i].value);
        at = fp_put_unit(out, at, 0);
    }
    if (count == 0)
        at = fp_put_unit(out, at, 0); /* an empty block, too, ends with two */
    return fp_put_unit(out, at, 0);
}
