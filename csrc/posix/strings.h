/* Lists of strings as execve takes them, private to one call: nothing that another thread does
 * to a list, to a dict or by setenv() can reach them. (What putenv() was given stays its
 * caller's, as ever.) */
#ifndef FP_STRINGS_H
#define FP_STRINGS_H

#include <stdbool.h>
#include <stddef.h>

#define FP_STRINGS_INLINE_TEXT 1024
#define FP_STRINGS_INLINE_COUNT 64

typedef struct fp_strings {
    char *text; /* the strings, each with its NUL, one behind the other */
    size_t size;
    size_t capacity;
    char **vector; /* ends with NULL */
    size_t count;
    char room[FP_STRINGS_INLINE_TEXT];
    char *few[FP_STRINGS_INLINE_COUNT];
} fp_strings;

void fp_strings_init(fp_strings *strings);

/* Adds a string; false when memory is out. */
bool fp_strings_add(fp_strings *strings, const char *text, size_t size);

/* Adds name=value; false when memory is out. */
bool fp_strings_add_pair(fp_strings *strings, const char *name, size_t name_size, const char *value,
                         size_t value_size);

/* Makes `vector`, once all are added; false when memory is out. */
bool fp_strings_finish(fp_strings *strings);

/* The other way to fill a list: room for so many, and then each where it is, which is where
 * it must stay. Finished at any time. False when memory is out. */
bool fp_strings_expect(fp_strings *strings, size_t count);
void fp_strings_refer(fp_strings *strings, const char *text);

/* The process's own environment: not a copy. */
char *const *fp_environ_now(void);

/* The process's own environment as it is now, finished. The caller sees to it that no
 * other thread changes it meanwhile. */
bool fp_strings_environ(fp_strings *strings);

void fp_strings_free(fp_strings *strings);

#endif
