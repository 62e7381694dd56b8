/* The lists of strings for execve. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "posix/strings.h"
#include "support.h"

extern char **environ;

static bool add_pair(fp_strings *strings, const char *name, const char *value)
{
    return fp_strings_add_pair(strings, name, strlen(name), value, strlen(value));
}

static void an_empty_list_ends_at_once(void)
{
    fp_strings strings;
    fp_strings_init(&strings);
    CHECK(fp_strings_finish(&strings));
    CHECK(strings.vector[0] == NULL);
    fp_strings_free(&strings);
}

static void strings_and_pairs_come_out_as_they_went_in(void)
{
    fp_strings strings;
    fp_strings_init(&strings);
    CHECK(add_pair(&strings, "HOME", "/root"));
    CHECK(fp_strings_add(&strings, "", 0));
    CHECK(fp_strings_add(&strings, "part of it", 4));
    CHECK(add_pair(&strings, "EMPTY", ""));
    CHECK(fp_strings_finish(&strings));
    CHECK_TEXT(strings.vector[0], "HOME=/root");
    CHECK_TEXT(strings.vector[1], "");
    CHECK_TEXT(strings.vector[2], "part");
    CHECK_TEXT(strings.vector[3], "EMPTY=");
    CHECK(strings.vector[4] == NULL);
    CHECK_INT(strings.count, 4);
    fp_strings_free(&strings);
}

/* Every count around the room in the struct, with sizes around the room for text. */
static void any_number_of_strings_of_any_size_comes_out_in_order(void)
{
    static char text[5000];
    memset(text, 'x', sizeof text - 1);
    const size_t sizes[] = {0,   1, 13, 16, 17, FP_STRINGS_INLINE_TEXT - 1, FP_STRINGS_INLINE_TEXT,
                            4999};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
        for (size_t count = 0; count <= FP_STRINGS_INLINE_COUNT + 3; count++) {
            fp_strings strings;
            test_about("%zu strings of %zu", count, sizes[s]);
            fp_strings_init(&strings);
            for (size_t i = 0; i < count; i++) {
                char name[16];
                int size = snprintf(name, sizeof name, "%zu", i);
                CHECK(fp_strings_add_pair(&strings, name, (size_t)size, text, sizes[s]));
            }
            CHECK(fp_strings_finish(&strings));
            CHECK_INT(strings.count, count);
            for (size_t i = 0; i < count; i++) {
                char *end;
                CHECK_INT(strtoul(strings.vector[i], &end, 10), i);
                CHECK_INT(strlen(end), sizes[s] + 1);
            }
            CHECK(strings.vector[count] == NULL);
            fp_strings_free(&strings);
        }
}

static void the_environment_is_taken_as_it_is(void)
{
    for (int i = 0; i < 200; i++) {
        char name[32];
        snprintf(name, sizeof name, "FP_TEST_%d", i);
        setenv(name, "value", 1);
        fp_strings strings;
        fp_strings_init(&strings);
        CHECK(fp_strings_environ(&strings));
        size_t count = 0;
        for (; environ[count] != NULL; count++)
            CHECK_TEXT(strings.vector[count], environ[count]);
        CHECK(strings.vector[count] == NULL);
        fp_strings_free(&strings);
    }
}

/* Another thread that changes it later does not reach the list. */
static void the_environment_taken_is_ones_own(void)
{
    fp_strings strings;
    setenv("FP_TEST_OWN", "before", 1);
    fp_strings_init(&strings);
    CHECK(fp_strings_environ(&strings));
    for (int i = 0; i < 300; i++) {
        char name[32];
        snprintf(name, sizeof name, "FP_TEST_%d", i);
        setenv(name, "later", 1);
    }
    setenv("FP_TEST_OWN", "after", 1);
    unsetenv("FP_TEST_OWN");
    bool found = false;
    for (char **one = strings.vector; *one != NULL; one++)
        found |= strcmp(*one, "FP_TEST_OWN=before") == 0;
    CHECK(found);
    fp_strings_free(&strings);
}

static void no_environment_is_an_empty_one(void)
{
    fp_strings strings;
    environ = NULL;
    fp_strings_init(&strings);
    CHECK(fp_strings_environ(&strings));
    CHECK(strings.vector[0] == NULL);
    fp_strings_free(&strings);
}

static void strings_that_are_referred_to_are_those(void)
{
    const size_t counts[] = {0, 1, FP_STRINGS_INLINE_COUNT - 1, FP_STRINGS_INLINE_COUNT, 5000};
    static const char texts[5000];
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        fp_strings strings;
        fp_strings_init(&strings);
        CHECK(fp_strings_expect(&strings, counts[c]));
        CHECK(strings.vector[0] == NULL);
        for (size_t i = 0; i < counts[c]; i++)
            fp_strings_refer(&strings, texts + i);
        CHECK_INT(strings.count, counts[c]);
        for (size_t i = 0; i < counts[c]; i++)
            CHECK(strings.vector[i] == texts + i);
        CHECK(strings.vector[counts[c]] == NULL);
        fp_strings_free(&strings);
    }
}

SUITE(strings, CASE(an_empty_list_ends_at_once), CASE(strings_and_pairs_come_out_as_they_went_in),
      CASE(any_number_of_strings_of_any_size_comes_out_in_order),
      CASE(the_environment_is_taken_as_it_is), CASE(the_environment_taken_is_ones_own),
      CASE(no_environment_is_an_empty_one), CASE(strings_that_are_referred_to_are_those));
