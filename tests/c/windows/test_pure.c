/* The command line and the environment block, by examples. Millions of random cases against the
 * standard library are tried from Python: tests/windows/test_pure_functions.py. */
#include "check.h"

#include <string.h>
#include <wchar.h>

#include "windows/cmdline.h"
#include "windows/envblock.h"
#include "windows/fold.h"

static fp_units text(const wchar_t *string)
{
    fp_units units = {string, wcslen(string)};
    return units;
}

static void check_line(const wchar_t *const *args, size_t count, const wchar_t *wanted)
{
    fp_units units[8];
    wchar_t out[256];
    for (size_t i = 0; i < count; i++)
        units[i] = text(args[i]);
    size_t size = fp_cmdline(units, count, NULL);
    CHECK_EQUAL(fp_cmdline(units, count, out), size);
    out[size] = 0;
    CHECK(wcscmp(out, wanted) == 0);
}

static void command_lines(void)
{
    const wchar_t *plain[] = {L"a", L"b"}, *empty[] = {L"", L"a", L""};
    const wchar_t *quotes[] = {L"a\"b", L"\"", L"\\\"", L"a b\\"};
    const wchar_t *slashes[] = {L"a\\\\b", L"c:\\d e\\", L"x\\", L"tab\there"};
    check_line(NULL, 0, L"");
    check_line(plain, 2, L"a b");
    check_line(empty, 3, L"\"\" a \"\"");
    check_line(quotes, 4, L"a\\\"b \\\" \\\\\\\" \"a b\\\\\"");
    check_line(slashes, 4, L"a\\\\b \"c:\\d e\\\\\" x\\ \"tab\there\"");
}

static void check_block(const wchar_t *const *names, size_t count, const wchar_t *wanted,
                        size_t wanted_size)
{
    fp_env_entry entries[8];
    uint16_t folded[8][32];
    wchar_t out[256];
    for (size_t i = 0; i < count; i++) {
        entries[i].name = text(names[2 * i]);
        entries[i].value = text(names[2 * i + 1]);
        CHECK(fp_env_fold(entries[i].name, folded[i]));
        entries[i].folded.data = folded[i];
        entries[i].folded.size = entries[i].name.size;
    }
    size_t kept = fp_env_normalize(entries, count);
    size_t size = fp_env_block(entries, kept, NULL);
    CHECK_EQUAL(size, wanted_size);
    CHECK_EQUAL(fp_env_block(entries, kept, out), size);
    CHECK(memcmp(out, wanted, wanted_size * sizeof *out) == 0);
}

static void environment_blocks(void)
{
    const wchar_t *some[] = {L"b", L"2", L"_", L"3", L"A", L"1", L"=C:", L"C:\\x"};
    const wchar_t *same[] = {L"path", L"1", L"x", L"", L"PATH", L"2", L"Path", L"3"};
    const wchar_t *beyond[] = {L"\xe4", L"1", L"\xc4", L"2", L"z", L"3"};
    const wchar_t wanted_some[] = L"=C:=C:\\x\0A=1\0b=2\0_=3\0";
    const wchar_t wanted_same[] = L"Path=3\0x=\0", wanted_beyond[] = L"z=3\0\xc4=2\0";
    check_block(NULL, 0, L"\0", 2);
    check_block(some, 4, wanted_some, sizeof wanted_some / sizeof(wchar_t));
    check_block(same, 4, wanted_same, sizeof wanted_same / sizeof(wchar_t));
    check_block(beyond, 3, wanted_beyond, sizeof wanted_beyond / sizeof(wchar_t));
}

static void names(void)
{
    fp_units nul = {L"a\0b", 3};
    CHECK(fp_env_name_ok(text(L"a")) && fp_env_name_ok(text(L"=C:")));
    CHECK(!fp_env_name_ok(text(L"")) && !fp_env_name_ok(text(L"a=")) && !fp_env_name_ok(nul));
    CHECK(!fp_env_name_ok(text(L"==")));
}

int main(void)
{
    const check_test tests[] = {{"the command line of list2cmdline", command_lines},
                                {"the block is sorted, and each name once", environment_blocks},
                                {"names that are none", names}};
    return check_main(tests, sizeof tests / sizeof tests[0]);
}
