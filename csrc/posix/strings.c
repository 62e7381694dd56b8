#include "strings.h"

#include <stdlib.h>
#include <string.h>

#if defined(__APPLE__)
#include <crt_externs.h>
#define fp_environ (*_NSGetEnviron())
#else
extern char **environ;
#define fp_environ environ
#endif

char *const *fp_environ_now(void)
{
    return fp_environ;
}

void fp_strings_init(fp_strings *strings)
{
    strings->text = strings->room;
    strings->size = 0;
    strings->capacity = sizeof strings->room;
    strings->vector = strings->few;
    strings->count = 0;
}

static bool fp_strings_reserve(fp_strings *strings, size_t spare)
{
    if (strings->capacity - strings->size >= spare)
        return true;
    size_t capacity = strings->capacity * 2;
    if (capacity < strings->size + spare)
        capacity = strings->size + spare;
    char *text = realloc(strings->text == strings->room ? NULL : strings->text, capacity);
    if (text == NULL)
        return false;
    if (strings->text == strings->room)
        memcpy(text, strings->room, strings->size);
    strings->text = text;
    strings->capacity = capacity;
    return true;
}

bool fp_strings_add(fp_strings *strings, const char *text, size_t size)
{
    if (!fp_strings_reserve(strings, size + 1))
        return false;
    char *end = strings->text + strings->size;
    memcpy(end, text, size);
    end[size] = '\0';
    strings->size += size + 1;
    strings->count++;
    return true;
}

bool fp_strings_add_pair(fp_strings *strings, const char *name, size_t name_size, const char *value,
                         size_t value_size)
{
    if (!fp_strings_reserve(strings, name_size + value_size + 2))
        return false;
    char *end = strings->text + strings->size;
    memcpy(end, name, name_size);
    end[name_size] = '=';
    memcpy(end + name_size + 1, value, value_size);
    end[name_size + value_size + 1] = '\0';
    strings->size += name_size + value_size + 2;
    strings->count++;
    return true;
}

static bool fp_strings_make_vector(fp_strings *strings)
{
    if (strings->count < FP_STRINGS_INLINE_COUNT)
        return true;
    char **vector = malloc((strings->count + 1) * sizeof *vector);
    if (vector == NULL)
        return false;
    strings->vector = vector;
    return true;
}

bool fp_strings_finish(fp_strings *strings)
{
    if (!fp_strings_make_vector(strings))
        return false;
    char *string = strings->text;
    for (size_t i = 0; i < strings->count; i++) {
        strings->vector[i] = string;
        string += strlen(string) + 1;
    }
    strings->vector[strings->count] = NULL;
    return true;
}

bool fp_strings_expect(fp_strings *strings, size_t count)
{
    strings->count = count;
    if (!fp_strings_make_vector(strings))
        return false;
    strings->count = 0;
    strings->vector[0] = NULL;
    return true;
}

void fp_strings_refer(fp_strings *strings, const char *text)
{
    strings->vector[strings->count++] = (char *)text; /* execve does not write to it */
    strings->vector[strings->count] = NULL;
}

#if defined(__GLIBC__)

/* glibc moves the array of pointers, but never frees a string that was in it. */
bool fp_strings_environ(fp_strings *strings)
{
    char **from = fp_environ;
    while (from != NULL && from[strings->count] != NULL)
        strings->count++;
    if (!fp_strings_make_vector(strings))
        return false;
    if (strings->count > 0)
        memcpy(strings->vector, from, strings->count * sizeof *from);
    strings->vector[strings->count] = NULL;
    return true;
}

#else

bool fp_strings_environ(fp_strings *strings)
{
    for (char **from = fp_environ; from != NULL && *from != NULL; from++)
        if (!fp_strings_add(strings, *from, strlen(*from)))
            return false;
    return fp_strings_finish(strings);
}

#endif

void fp_strings_free(fp_strings *strings)
{
    if (strings->text != strings->room)
        free(strings->text);
    if (strings->vector != strings->few)
        free(strings->vector);
    fp_strings_init(strings);
}
