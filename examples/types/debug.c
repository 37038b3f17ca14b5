#include <stdbool.h>
#include <string.h>

#include "iec_types_all.h"
#include "POUS.h"

#define SAME_ENDIANNESS 0
#define REVERSE_ENDIANNESS 1

char plc_program_md5[] = "08d11874c058cb1cdacfca4255ca8aaf";

uint8_t endianness;

extern __IEC_INT_t CONFIG0__SHARED;
extern __IEC_REAL_t CONFIG0__LIMIT;
extern __IEC_UDINT_t CONFIG0__OPERATING_SECONDS;
extern MAIN RES0__INSTANCE0;

typedef enum {
    BOOL_ENUM,
    SINT_ENUM,
    INT_ENUM,
    INT_P_ENUM,
    DINT_ENUM,
    LINT_ENUM,
    USINT_ENUM,
    UINT_ENUM,
    UDINT_ENUM,
    ULINT_ENUM,
    BYTE_ENUM,
    WORD_ENUM,
    DWORD_ENUM,
    LWORD_ENUM,
    REAL_ENUM,
    REAL_P_ENUM,
    LREAL_ENUM,
    TIME_ENUM,
    DATE_ENUM,
    TOD_ENUM,
    DT_ENUM,
    STRING_ENUM,
} debug_type;

static const struct {
    void *ptr;
    debug_type type;
} debug_vars[] = {
    {&(CONFIG0__SHARED), INT_ENUM},
    {&(CONFIG0__LIMIT), REAL_ENUM},
    {&(CONFIG0__OPERATING_SECONDS), UDINT_ENUM},
    {&(RES0__INSTANCE0.A_BOOL), BOOL_ENUM},
    {&(RES0__INSTANCE0.A_SINT), SINT_ENUM},
    {&(RES0__INSTANCE0.A_INT), INT_ENUM},
    {&(RES0__INSTANCE0.A_DINT), DINT_ENUM},
    {&(RES0__INSTANCE0.A_LINT), LINT_ENUM},
    {&(RES0__INSTANCE0.A_USINT), USINT_ENUM},
    {&(RES0__INSTANCE0.A_UINT), UINT_ENUM},
    {&(RES0__INSTANCE0.A_UDINT), UDINT_ENUM},
    {&(RES0__INSTANCE0.A_ULINT), ULINT_ENUM},
    {&(RES0__INSTANCE0.A_BYTE), BYTE_ENUM},
    {&(RES0__INSTANCE0.A_WORD), WORD_ENUM},
    {&(RES0__INSTANCE0.A_DWORD), DWORD_ENUM},
    {&(RES0__INSTANCE0.A_LWORD), LWORD_ENUM},
    {&(RES0__INSTANCE0.A_REAL), REAL_ENUM},
    {&(RES0__INSTANCE0.A_LREAL), LREAL_ENUM},
    {&(RES0__INSTANCE0.A_TIME), TIME_ENUM},
    {&(RES0__INSTANCE0.A_DATE), DATE_ENUM},
    {&(RES0__INSTANCE0.A_TOD), TOD_ENUM},
    {&(RES0__INSTANCE0.A_DT), DT_ENUM},
    {&(RES0__INSTANCE0.A_STRING), STRING_ENUM},
    {&(RES0__INSTANCE0.NUMBERS.value.table[0]), INT_ENUM},
    {&(RES0__INSTANCE0.NUMBERS.value.table[1]), INT_ENUM},
    {&(RES0__INSTANCE0.NUMBERS.value.table[2]), INT_ENUM},
    {&(RES0__INSTANCE0.NUMBERS.value.table[3]), INT_ENUM},
    {&(RES0__INSTANCE0.NUMBERS.value.table[4]), INT_ENUM},
    {&(RES0__INSTANCE0.SAMPLES.value.table[0]), REAL_ENUM},
    {&(RES0__INSTANCE0.SAMPLES.value.table[1]), REAL_ENUM},
    {&(RES0__INSTANCE0.SAMPLES.value.table[2]), REAL_ENUM},
    {&(RES0__INSTANCE0.SAMPLES.value.table[3]), REAL_ENUM},
    {&(RES0__INSTANCE0.PUMP.value.RUNNING), BOOL_ENUM},
    {&(RES0__INSTANCE0.PUMP.value.SPEED), INT_ENUM},
    {&(RES0__INSTANCE0.PUMP.value.CURRENT), REAL_ENUM},
    {&(RES0__INSTANCE0.INDEX), INT_ENUM},
    {&(RES0__INSTANCE0.SPEED_RAMP.EN), BOOL_ENUM},
    {&(RES0__INSTANCE0.SPEED_RAMP.ENO), BOOL_ENUM},
    {&(RES0__INSTANCE0.SPEED_RAMP.TARGET), REAL_ENUM},
    {&(RES0__INSTANCE0.SPEED_RAMP.STEP), REAL_ENUM},
    {&(RES0__INSTANCE0.SPEED_RAMP.VALUE), REAL_ENUM},
    {&(RES0__INSTANCE0.SPEED_RAMP.DONE), BOOL_ENUM},
    {&(RES0__INSTANCE0.SPEED_RAMP.SETTLED.EN), BOOL_ENUM},
    {&(RES0__INSTANCE0.SPEED_RAMP.SETTLED.ENO), BOOL_ENUM},
    {&(RES0__INSTANCE0.SPEED_RAMP.SETTLED.IN), BOOL_ENUM},
    {&(RES0__INSTANCE0.SPEED_RAMP.SETTLED.PT), TIME_ENUM},
    {&(RES0__INSTANCE0.SPEED_RAMP.SETTLED.Q), BOOL_ENUM},
    {&(RES0__INSTANCE0.SPEED_RAMP.SETTLED.ET), TIME_ENUM},
    {&(RES0__INSTANCE0.SPEED_RAMP.SETTLED.STATE), SINT_ENUM},
    {&(RES0__INSTANCE0.SPEED_RAMP.SETTLED.PREV_IN), BOOL_ENUM},
    {&(RES0__INSTANCE0.SPEED_RAMP.SETTLED.CURRENT_TIME), TIME_ENUM},
    {&(RES0__INSTANCE0.SPEED_RAMP.SETTLED.START_TIME), TIME_ENUM},
    {&(RES0__INSTANCE0.START.EN), BOOL_ENUM},
    {&(RES0__INSTANCE0.START.ENO), BOOL_ENUM},
    {&(RES0__INSTANCE0.START.CLK), BOOL_ENUM},
    {&(RES0__INSTANCE0.START.Q), BOOL_ENUM},
    {&(RES0__INSTANCE0.START.M), BOOL_ENUM},
    {&(RES0__INSTANCE0.PARTS.EN), BOOL_ENUM},
    {&(RES0__INSTANCE0.PARTS.ENO), BOOL_ENUM},
    {&(RES0__INSTANCE0.PARTS.CU), BOOL_ENUM},
    {&(RES0__INSTANCE0.PARTS.R), BOOL_ENUM},
    {&(RES0__INSTANCE0.PARTS.PV), INT_ENUM},
    {&(RES0__INSTANCE0.PARTS.Q), BOOL_ENUM},
    {&(RES0__INSTANCE0.PARTS.CV), INT_ENUM},
    {&(RES0__INSTANCE0.PARTS.CU_T.EN), BOOL_ENUM},
    {&(RES0__INSTANCE0.PARTS.CU_T.ENO), BOOL_ENUM},
    {&(RES0__INSTANCE0.PARTS.CU_T.CLK), BOOL_ENUM},
    {&(RES0__INSTANCE0.PARTS.CU_T.Q), BOOL_ENUM},
    {&(RES0__INSTANCE0.PARTS.CU_T.M), BOOL_ENUM},
    {&(RES0__INSTANCE0.HOURS), UDINT_ENUM},
    {&(RES0__INSTANCE0.RECIPE), STRING_ENUM},
    {&(RES0__INSTANCE0.SHARED), INT_P_ENUM},
    {&(RES0__INSTANCE0.LIMIT), REAL_P_ENUM},
};

#define VAR_COUNT 73

uint16_t get_var_count(void)
{
    return VAR_COUNT;
}

size_t get_var_size(size_t idx)
{
    if (idx >= VAR_COUNT) return 0;
    switch (debug_vars[idx].type) {
    case BOOL_ENUM: return sizeof(BOOL);
    case SINT_ENUM: return sizeof(SINT);
    case INT_ENUM: return sizeof(INT);
    case INT_P_ENUM: return sizeof(INT);
    case DINT_ENUM: return sizeof(DINT);
    case LINT_ENUM: return sizeof(LINT);
    case USINT_ENUM: return sizeof(USINT);
    case UINT_ENUM: return sizeof(UINT);
    case UDINT_ENUM: return sizeof(UDINT);
    case ULINT_ENUM: return sizeof(ULINT);
    case BYTE_ENUM: return sizeof(BYTE);
    case WORD_ENUM: return sizeof(WORD);
    case DWORD_ENUM: return sizeof(DWORD);
    case LWORD_ENUM: return sizeof(LWORD);
    case REAL_ENUM: return sizeof(REAL);
    case REAL_P_ENUM: return sizeof(REAL);
    case LREAL_ENUM: return sizeof(LREAL);
    case TIME_ENUM: return sizeof(TIME);
    case DATE_ENUM: return sizeof(DATE);
    case TOD_ENUM: return sizeof(TOD);
    case DT_ENUM: return sizeof(DT);
    case STRING_ENUM: return sizeof(STRING);
    default: return 0;
    }
}

void *get_var_addr(size_t idx)
{
    void *ptr = debug_vars[idx].ptr;
    switch (debug_vars[idx].type) {
    case BOOL_ENUM: return &((__IEC_BOOL_t *)ptr)->value;
    case SINT_ENUM: return &((__IEC_SINT_t *)ptr)->value;
    case INT_ENUM: return &((__IEC_INT_t *)ptr)->value;
    case INT_P_ENUM: return ((__IEC_INT_p *)ptr)->flags & __IEC_FORCE_FLAG ? &((__IEC_INT_p *)ptr)->fvalue : ((__IEC_INT_p *)ptr)->value;
    case DINT_ENUM: return &((__IEC_DINT_t *)ptr)->value;
    case LINT_ENUM: return &((__IEC_LINT_t *)ptr)->value;
    case USINT_ENUM: return &((__IEC_USINT_t *)ptr)->value;
    case UINT_ENUM: return &((__IEC_UINT_t *)ptr)->value;
    case UDINT_ENUM: return &((__IEC_UDINT_t *)ptr)->value;
    case ULINT_ENUM: return &((__IEC_ULINT_t *)ptr)->value;
    case BYTE_ENUM: return &((__IEC_BYTE_t *)ptr)->value;
    case WORD_ENUM: return &((__IEC_WORD_t *)ptr)->value;
    case DWORD_ENUM: return &((__IEC_DWORD_t *)ptr)->value;
    case LWORD_ENUM: return &((__IEC_LWORD_t *)ptr)->value;
    case REAL_ENUM: return &((__IEC_REAL_t *)ptr)->value;
    case REAL_P_ENUM: return ((__IEC_REAL_p *)ptr)->flags & __IEC_FORCE_FLAG ? &((__IEC_REAL_p *)ptr)->fvalue : ((__IEC_REAL_p *)ptr)->value;
    case LREAL_ENUM: return &((__IEC_LREAL_t *)ptr)->value;
    case TIME_ENUM: return &((__IEC_TIME_t *)ptr)->value;
    case DATE_ENUM: return &((__IEC_DATE_t *)ptr)->value;
    case TOD_ENUM: return &((__IEC_TOD_t *)ptr)->value;
    case DT_ENUM: return &((__IEC_DT_t *)ptr)->value;
    case STRING_ENUM: return &((__IEC_STRING_t *)ptr)->value;
    default: return 0;
    }
}

/* Copies the characters there are. The runtime has checked their number. */
static inline void copy_string(IEC_STRING *to, const void *val)
{
    const IEC_STRING *from = val;
    to->len = from->len;
    memcpy(to->body, from->body, (size_t)(uint8_t)from->len);
}

void force_var(size_t idx, bool forced, void *val)
{
    void *ptr = debug_vars[idx].ptr;
    size_t size = get_var_size(idx);
    if (forced) {
    switch (debug_vars[idx].type) {
    case BOOL_ENUM: memcpy(&((__IEC_BOOL_t *)ptr)->value, val, size); ((__IEC_BOOL_t *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case SINT_ENUM: memcpy(&((__IEC_SINT_t *)ptr)->value, val, size); ((__IEC_SINT_t *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case INT_ENUM: memcpy(&((__IEC_INT_t *)ptr)->value, val, size); ((__IEC_INT_t *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case INT_P_ENUM: memcpy(&((__IEC_INT_p *)ptr)->fvalue, val, size); ((__IEC_INT_p *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case DINT_ENUM: memcpy(&((__IEC_DINT_t *)ptr)->value, val, size); ((__IEC_DINT_t *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case LINT_ENUM: memcpy(&((__IEC_LINT_t *)ptr)->value, val, size); ((__IEC_LINT_t *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case USINT_ENUM: memcpy(&((__IEC_USINT_t *)ptr)->value, val, size); ((__IEC_USINT_t *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case UINT_ENUM: memcpy(&((__IEC_UINT_t *)ptr)->value, val, size); ((__IEC_UINT_t *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case UDINT_ENUM: memcpy(&((__IEC_UDINT_t *)ptr)->value, val, size); ((__IEC_UDINT_t *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case ULINT_ENUM: memcpy(&((__IEC_ULINT_t *)ptr)->value, val, size); ((__IEC_ULINT_t *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case BYTE_ENUM: memcpy(&((__IEC_BYTE_t *)ptr)->value, val, size); ((__IEC_BYTE_t *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case WORD_ENUM: memcpy(&((__IEC_WORD_t *)ptr)->value, val, size); ((__IEC_WORD_t *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case DWORD_ENUM: memcpy(&((__IEC_DWORD_t *)ptr)->value, val, size); ((__IEC_DWORD_t *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case LWORD_ENUM: memcpy(&((__IEC_LWORD_t *)ptr)->value, val, size); ((__IEC_LWORD_t *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case REAL_ENUM: memcpy(&((__IEC_REAL_t *)ptr)->value, val, size); ((__IEC_REAL_t *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case REAL_P_ENUM: memcpy(&((__IEC_REAL_p *)ptr)->fvalue, val, size); ((__IEC_REAL_p *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case LREAL_ENUM: memcpy(&((__IEC_LREAL_t *)ptr)->value, val, size); ((__IEC_LREAL_t *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case TIME_ENUM: memcpy(&((__IEC_TIME_t *)ptr)->value, val, size); ((__IEC_TIME_t *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case DATE_ENUM: memcpy(&((__IEC_DATE_t *)ptr)->value, val, size); ((__IEC_DATE_t *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case TOD_ENUM: memcpy(&((__IEC_TOD_t *)ptr)->value, val, size); ((__IEC_TOD_t *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case DT_ENUM: memcpy(&((__IEC_DT_t *)ptr)->value, val, size); ((__IEC_DT_t *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case STRING_ENUM: copy_string(&((__IEC_STRING_t *)ptr)->value, val); ((__IEC_STRING_t *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    default: break;
    }
    } else {
    switch (debug_vars[idx].type) {
    case BOOL_ENUM: ((__IEC_BOOL_t *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case SINT_ENUM: ((__IEC_SINT_t *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case INT_ENUM: ((__IEC_INT_t *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case INT_P_ENUM: ((__IEC_INT_p *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case DINT_ENUM: ((__IEC_DINT_t *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case LINT_ENUM: ((__IEC_LINT_t *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case USINT_ENUM: ((__IEC_USINT_t *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case UINT_ENUM: ((__IEC_UINT_t *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case UDINT_ENUM: ((__IEC_UDINT_t *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case ULINT_ENUM: ((__IEC_ULINT_t *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case BYTE_ENUM: ((__IEC_BYTE_t *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case WORD_ENUM: ((__IEC_WORD_t *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case DWORD_ENUM: ((__IEC_DWORD_t *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case LWORD_ENUM: ((__IEC_LWORD_t *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case REAL_ENUM: ((__IEC_REAL_t *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case REAL_P_ENUM: ((__IEC_REAL_p *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case LREAL_ENUM: ((__IEC_LREAL_t *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case TIME_ENUM: ((__IEC_TIME_t *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case DATE_ENUM: ((__IEC_DATE_t *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case TOD_ENUM: ((__IEC_TOD_t *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case DT_ENUM: ((__IEC_DT_t *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case STRING_ENUM: ((__IEC_STRING_t *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    default: break;
    }
    }
}

static void swap_bytes(void *val, size_t size)
{
    uint8_t *first = val, *last = first + size - 1;
    while (first < last) {
        uint8_t byte = *first;
        *first++ = *last;
        *last-- = byte;
    }
}

static bool is_string(debug_type type)
{
    return type == STRING_ENUM;
}

void trace_reset(void)
{
    for (size_t idx = 0; idx < VAR_COUNT; idx++) force_var(idx, false, 0);
}

void set_trace(size_t idx, bool forced, void *val)
{
    if (forced && endianness == REVERSE_ENDIANNESS && !is_string(debug_vars[idx].type)) {
        swap_bytes(val, get_var_size(idx));
    }
    force_var(idx, forced, val);
}

void set_endianness(uint8_t value)
{
    if (value == SAME_ENDIANNESS || value == REVERSE_ENDIANNESS) endianness = value;
}
