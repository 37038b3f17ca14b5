#include <stdbool.h>
#include <string.h>

#include "iec_types_all.h"
#include "POUS.h"

#define SAME_ENDIANNESS 0
#define REVERSE_ENDIANNESS 1

char plc_program_md5[] = "06ae022ed4c492e6eed1371d564ed55e";

uint8_t endianness;

extern MAIN RES0__INSTANCE0;

typedef enum {
    BOOL_ENUM,
    BOOL_O_ENUM,
    SINT_ENUM,
    UINT_ENUM,
    UDINT_ENUM,
    TIME_ENUM,
} debug_type;

static const struct {
    void *ptr;
    debug_type type;
} debug_vars[] = {
    {&(RES0__INSTANCE0.LAMP), BOOL_O_ENUM},
    {&(RES0__INSTANCE0.SCANS), UDINT_ENUM},
    {&(RES0__INSTANCE0.TOGGLES), UINT_ENUM},
    {&(RES0__INSTANCE0.HALF_PERIOD), TIME_ENUM},
    {&(RES0__INSTANCE0.TIMER.EN), BOOL_ENUM},
    {&(RES0__INSTANCE0.TIMER.ENO), BOOL_ENUM},
    {&(RES0__INSTANCE0.TIMER.IN), BOOL_ENUM},
    {&(RES0__INSTANCE0.TIMER.PT), TIME_ENUM},
    {&(RES0__INSTANCE0.TIMER.Q), BOOL_ENUM},
    {&(RES0__INSTANCE0.TIMER.ET), TIME_ENUM},
    {&(RES0__INSTANCE0.TIMER.STATE), SINT_ENUM},
    {&(RES0__INSTANCE0.TIMER.PREV_IN), BOOL_ENUM},
    {&(RES0__INSTANCE0.TIMER.CURRENT_TIME), TIME_ENUM},
    {&(RES0__INSTANCE0.TIMER.START_TIME), TIME_ENUM},
};

#define VAR_COUNT 14

uint16_t get_var_count(void)
{
    return VAR_COUNT;
}

size_t get_var_size(size_t idx)
{
    if (idx >= VAR_COUNT) return 0;
    switch (debug_vars[idx].type) {
    case BOOL_ENUM: return sizeof(BOOL);
    case BOOL_O_ENUM: return sizeof(BOOL);
    case SINT_ENUM: return sizeof(SINT);
    case UINT_ENUM: return sizeof(UINT);
    case UDINT_ENUM: return sizeof(UDINT);
    case TIME_ENUM: return sizeof(TIME);
    default: return 0;
    }
}

void *get_var_addr(size_t idx)
{
    void *ptr = debug_vars[idx].ptr;
    switch (debug_vars[idx].type) {
    case BOOL_ENUM: return &((__IEC_BOOL_t *)ptr)->value;
    case BOOL_O_ENUM: return ((__IEC_BOOL_p *)ptr)->flags & __IEC_FORCE_FLAG ? &((__IEC_BOOL_p *)ptr)->fvalue : ((__IEC_BOOL_p *)ptr)->value;
    case SINT_ENUM: return &((__IEC_SINT_t *)ptr)->value;
    case UINT_ENUM: return &((__IEC_UINT_t *)ptr)->value;
    case UDINT_ENUM: return &((__IEC_UDINT_t *)ptr)->value;
    case TIME_ENUM: return &((__IEC_TIME_t *)ptr)->value;
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
    case BOOL_O_ENUM: memcpy(&((__IEC_BOOL_p *)ptr)->fvalue, val, size); memcpy(((__IEC_BOOL_p *)ptr)->value, val, size); ((__IEC_BOOL_p *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case SINT_ENUM: memcpy(&((__IEC_SINT_t *)ptr)->value, val, size); ((__IEC_SINT_t *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case UINT_ENUM: memcpy(&((__IEC_UINT_t *)ptr)->value, val, size); ((__IEC_UINT_t *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case UDINT_ENUM: memcpy(&((__IEC_UDINT_t *)ptr)->value, val, size); ((__IEC_UDINT_t *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case TIME_ENUM: memcpy(&((__IEC_TIME_t *)ptr)->value, val, size); ((__IEC_TIME_t *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    default: break;
    }
    } else {
    switch (debug_vars[idx].type) {
    case BOOL_ENUM: ((__IEC_BOOL_t *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case BOOL_O_ENUM: ((__IEC_BOOL_p *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case SINT_ENUM: ((__IEC_SINT_t *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case UINT_ENUM: ((__IEC_UINT_t *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case UDINT_ENUM: ((__IEC_UDINT_t *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case TIME_ENUM: ((__IEC_TIME_t *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
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
