#include "fault.h"

#ifdef FP_FAULTS
#include <windows.h>

fp_stage fp_fault_stage = FP_STAGE_NONE;
int fp_fault_after = 0;

bool fp_fault(fp_stage stage)
{
    if (stage != fp_fault_stage || fp_fault_after-- > 0)
        return false;
    SetLastError(ERROR_GEN_FAILURE);
    return true;
}
#endif
