#include "iec_std_lib.h"

TIME __CURRENT_TIME;
BOOL __DEBUG;
extern unsigned long long common_ticktime__;

static IEC_BOOL *(*bool_input_ptr)[8] = NULL;
static IEC_BOOL *(*bool_output_ptr)[8] = NULL;
static IEC_BYTE *(*byte_input_ptr) = NULL;
static IEC_BYTE *(*byte_output_ptr) = NULL;
static IEC_UINT *(*int_input_ptr) = NULL;
static IEC_UINT *(*int_output_ptr) = NULL;
static IEC_UDINT *(*dint_input_ptr) = NULL;
static IEC_UDINT *(*dint_output_ptr) = NULL;
static IEC_ULINT *(*lint_input_ptr) = NULL;
static IEC_ULINT *(*lint_output_ptr) = NULL;
static IEC_UINT *(*int_memory_ptr) = NULL;
static IEC_UDINT *(*dint_memory_ptr) = NULL;
static IEC_ULINT *(*lint_memory_ptr) = NULL;

#ifdef OPENPLC_V4
static IEC_BOOL *(*bool_memory_ptr)[8] = NULL;
#endif

#define __LOCATED_VAR(type, name, ...) type __##name;
#include "LOCATED_VARIABLES.h"
#undef __LOCATED_VAR
#define __LOCATED_VAR(type, name, ...) type *name = &__##name;
#include "LOCATED_VARIABLES.h"
#undef __LOCATED_VAR

void setBufferPointers(
    IEC_BOOL *(*bool_input)[8],
    IEC_BOOL *(*bool_output)[8],
    IEC_BYTE *(*byte_input),
    IEC_BYTE *(*byte_output),
    IEC_UINT *(*int_input),
    IEC_UINT *(*int_output),
    IEC_UDINT *(*dint_input),
    IEC_UDINT *(*dint_output),
    IEC_ULINT *(*lint_input),
    IEC_ULINT *(*lint_output),
    IEC_UINT *(*int_memory),
    IEC_UDINT *(*dint_memory),
    IEC_ULINT *(*lint_memory))
{
    bool_input_ptr = bool_input;
    bool_output_ptr = bool_output;
    byte_input_ptr = byte_input;
    byte_output_ptr = byte_output;
    int_input_ptr = int_input;
    int_output_ptr = int_output;
    dint_input_ptr = dint_input;
    dint_output_ptr = dint_output;
    lint_input_ptr = lint_input;
    lint_output_ptr = lint_output;
    int_memory_ptr = int_memory;
    dint_memory_ptr = dint_memory;
    lint_memory_ptr = lint_memory;
}

#ifdef OPENPLC_V4
void setBufferPointers_v4(
    IEC_BOOL *(*bool_input)[8],
    IEC_BOOL *(*bool_output)[8],
    IEC_BYTE *(*byte_input),
    IEC_BYTE *(*byte_output),
    IEC_UINT *(*int_input),
    IEC_UINT *(*int_output),
    IEC_UDINT *(*dint_input),
    IEC_UDINT *(*dint_output),
    IEC_ULINT *(*lint_input),
    IEC_ULINT *(*lint_output),
    IEC_UINT *(*int_memory),
    IEC_UDINT *(*dint_memory),
    IEC_ULINT *(*lint_memory),
    IEC_BOOL *(*bool_memory)[8])
{
    bool_input_ptr = bool_input;
    bool_output_ptr = bool_output;
    byte_input_ptr = byte_input;
    byte_output_ptr = byte_output;
    int_input_ptr = int_input;
    int_output_ptr = int_output;
    dint_input_ptr = dint_input;
    dint_output_ptr = dint_output;
    lint_input_ptr = lint_input;
    lint_output_ptr = lint_output;
    int_memory_ptr = int_memory;
    dint_memory_ptr = dint_memory;
    lint_memory_ptr = lint_memory;
    bool_memory_ptr = bool_memory;
}
#endif

void glueVars(void)
{
    bool_output_ptr[0][0] = (IEC_BOOL *)__QX0_0;
}

void updateTime(void)
{
    __CURRENT_TIME = __from_nanoseconds(__to_nanoseconds(__CURRENT_TIME) + (int64_t)common_ticktime__);
}
