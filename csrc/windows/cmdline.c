#include "cmdline.h"

#include <stdbool.h>

typedef struct fp_writer {
    uint16_t *out; /* NULL: only count */
    size_t size;
} fp_writer;

static void fp_put(fp_writer *writer, uint16_t unit)
{
    if (writer->out != NULL)
        writer->out[writer->size] = unit;
    writer->size++;
}

static void fp_put_backslashes(fp_writer *writer, size_t count)
{
    while (count-- > 0)
        fp_put(writer, '\\');
}

static bool fp_needs_quotes(fp_units arg)
{
    for (size_t i = 0; i < arg.size; i++)
        if (arg.data[i] == ' ' || arg.data[i] == '\t')
            return true;
    return arg.size == 0;
}

static void fp_put_argument(fp_writer *writer, fp_units arg)
{
    bool quotes = fp_needs_quotes(arg);
    size_t backslashes = 0; /* those just before this place */
    if (quotes)
        fp_put(writer, '"');
    for (size_t i = 0; i < arg.size; i++) {
        uint16_t unit = arg.data[i];
        if (unit == '"')
            fp_put_backslashes(writer, backslashes + 1);
        backslashes = unit == '\\' ? backslashes + 1 : 0;
        fp_put(writer, unit);
    }
    if (quotes) {
        fp_put_backslashes(writer, backslashes);
        fp_put(writer, '"');
    }
}

size_t fp_cmdline(const fp_units *args, size_t count, uint16_t *out)
{
    fp_writer writer = {out, 0};
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            fp_put(&writer, ' ');
        fp_put_argument(&writer, args[i]);
    }
    return writer.size;
}
