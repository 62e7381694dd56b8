#include "fold.h"

#include <windows.h>

#include "envblock.h"

/* Without LCMAP_LINGUISTIC_CASING it is the file system's mapping, one unit for one. Newer
 * systems map pairs of surrogates too; the look-up of variables does not, so those stay as
 * they are. */
bool fp_env_fold(fp_units name, uint16_t *out)
{
    if (fp_env_fold_ascii(name, out))
        return true;
    if (LCMapStringEx(LOCALE_NAME_INVARIANT, LCMAP_UPPERCASE, name.data, (int)name.size, out,
                      (int)name.size, NULL, NULL, 0) != (int)name.size)
        return false;
    for (size_t i = 0; i < name.size; i++)
        if (name.data[i] >= 0xD800 && name.data[i] <= 0xDFFF)
            out[i] = name.data[i];
    return true;
}
