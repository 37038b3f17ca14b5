#include <stdbool.h>
#include <string.h>

#include "iec_types_all.h"
#include "POUS.h"

#define SAME_ENDIANNESS 0
#define REVERSE_ENDIANNESS 1

char plc_program_md5[] = "63e3e64a642394cd0ce24f6e909070d5";

uint8_t endianness;

extern MAIN RES0__INSTANCE0;

typedef enum {
    BOOL_ENUM,
    INT_ENUM,
    UDINT_ENUM,
    ULINT_ENUM,
    REAL_ENUM,
} debug_type;

static const struct {
    void *ptr;
    debug_type type;
} debug_vars[] = {
    {&(RES0__INSTANCE0.COUNTER), INT_ENUM},
    {&(RES0__INSTANCE0.FIRST.EN), BOOL_ENUM},
    {&(RES0__INSTANCE0.FIRST.ENO), BOOL_ENUM},
    {&(RES0__INSTANCE0.FIRST.RAW), INT_ENUM},
    {&(RES0__INSTANCE0.FIRST.FACTOR), REAL_ENUM},
    {&(RES0__INSTANCE0.FIRST.SCALED), REAL_ENUM},
    {&(RES0__INSTANCE0.FIRST.ROUNDS), UDINT_ENUM},
    {&(RES0__INSTANCE0.FIRST.ODD), BOOL_ENUM},
    {&(RES0__INSTANCE0.FIRST.FIRST_RUN), BOOL_ENUM},
    {&(RES0__INSTANCE0.FIRST.SHM_IN_PTR), ULINT_ENUM},
    {&(RES0__INSTANCE0.FIRST.SHM_OUT_PTR), ULINT_ENUM},
    {&(RES0__INSTANCE0.SECOND.EN), BOOL_ENUM},
    {&(RES0__INSTANCE0.SECOND.ENO), BOOL_ENUM},
    {&(RES0__INSTANCE0.SECOND.RAW), INT_ENUM},
    {&(RES0__INSTANCE0.SECOND.FACTOR), REAL_ENUM},
    {&(RES0__INSTANCE0.SECOND.SCALED), REAL_ENUM},
    {&(RES0__INSTANCE0.SECOND.ROUNDS), UDINT_ENUM},
    {&(RES0__INSTANCE0.SECOND.ODD), BOOL_ENUM},
    {&(RES0__INSTANCE0.SECOND.FIRST_RUN), BOOL_ENUM},
    {&(RES0__INSTANCE0.SECOND.SHM_IN_PTR), ULINT_ENUM},
    {&(RES0__INSTANCE0.SECOND.SHM_OUT_PTR), ULINT_ENUM},
    {&(RES0__INSTANCE0.DIFFERENCE), REAL_ENUM},
};

#define VAR_COUNT 22

uint16_t get_var_count(void)
{
    return VAR_COUNT;
}

size_t get_var_size(size_t idx)
{
    if (idx >= VAR_COUNT) return 0;
    switch (debug_vars[idx].type) {
    case BOOL_ENUM: return sizeof(BOOL);
    case INT_ENUM: return sizeof(INT);
    case UDINT_ENUM: return sizeof(UDINT);
    case ULINT_ENUM: return sizeof(ULINT);
    case REAL_ENUM: return sizeof(REAL);
    default: return 0;
    }
}

void *get_var_addr(size_t idx)
{
    void *ptr = debug_vars[idx].ptr;
    switch (debug_vars[idx].type) {
    case BOOL_ENUM: return &((__IEC_BOOL_t *)ptr)->value;
    case INT_ENUM: return &((__IEC_INT_t *)ptr)->value;
    case UDINT_ENUM: return &((__IEC_UDINT_t *)ptr)->value;
    case ULINT_ENUM: return &((__IEC_ULINT_t *)ptr)->value;
    case REAL_ENUM: return &((__IEC_REAL_t *)ptr)->value;
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
    case INT_ENUM: memcpy(&((__IEC_INT_t *)ptr)->value, val, size); ((__IEC_INT_t *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case UDINT_ENUM: memcpy(&((__IEC_UDINT_t *)ptr)->value, val, size); ((__IEC_UDINT_t *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case ULINT_ENUM: memcpy(&((__IEC_ULINT_t *)ptr)->value, val, size); ((__IEC_ULINT_t *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case REAL_ENUM: memcpy(&((__IEC_REAL_t *)ptr)->value, val, size); ((__IEC_REAL_t *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    default: break;
    }
    } else {
    switch (debug_vars[idx].type) {
    case BOOL_ENUM: ((__IEC_BOOL_t *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case INT_ENUM: ((__IEC_INT_t *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case UDINT_ENUM: ((__IEC_UDINT_t *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case ULINT_ENUM: ((__IEC_ULINT_t *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case REAL_ENUM: ((__IEC_REAL_t *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
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
    return false;
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
