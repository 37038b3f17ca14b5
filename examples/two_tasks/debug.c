#include <stdbool.h>
#include <string.h>

#include "iec_types_all.h"
#include "POUS.h"

#define SAME_ENDIANNESS 0
#define REVERSE_ENDIANNESS 1

char plc_program_md5[] = "a094919421a78a9a3ca97c4ba75b207a";

uint8_t endianness;

extern __IEC_UINT_t CONFIG0__PULSES;
extern CONTROL RES0__CONTROL0;
extern REPORT RES0__REPORT0;

typedef enum {
    BOOL_O_ENUM,
    UINT_ENUM,
    UINT_P_ENUM,
    UDINT_ENUM,
} debug_type;

static const struct {
    void *ptr;
    debug_type type;
} debug_vars[] = {
    {&(CONFIG0__PULSES), UINT_ENUM},
    {&(RES0__CONTROL0.SCANS), UDINT_ENUM},
    {&(RES0__CONTROL0.PULSES), UINT_P_ENUM},
    {&(RES0__CONTROL0.LAMP), BOOL_O_ENUM},
    {&(RES0__REPORT0.SCANS), UDINT_ENUM},
    {&(RES0__REPORT0.PULSES), UINT_P_ENUM},
    {&(RES0__REPORT0.LAST_PULSES), UINT_ENUM},
};

#define VAR_COUNT 7

uint16_t get_var_count(void)
{
    return VAR_COUNT;
}

size_t get_var_size(size_t idx)
{
    if (idx >= VAR_COUNT) return 0;
    switch (debug_vars[idx].type) {
    case BOOL_O_ENUM: return sizeof(BOOL);
    case UINT_ENUM: return sizeof(UINT);
    case UINT_P_ENUM: return sizeof(UINT);
    case UDINT_ENUM: return sizeof(UDINT);
    default: return 0;
    }
}

void *get_var_addr(size_t idx)
{
    void *ptr = debug_vars[idx].ptr;
    switch (debug_vars[idx].type) {
    case BOOL_O_ENUM: return ((__IEC_BOOL_p *)ptr)->flags & __IEC_FORCE_FLAG ? &((__IEC_BOOL_p *)ptr)->fvalue : ((__IEC_BOOL_p *)ptr)->value;
    case UINT_ENUM: return &((__IEC_UINT_t *)ptr)->value;
    case UINT_P_ENUM: return ((__IEC_UINT_p *)ptr)->flags & __IEC_FORCE_FLAG ? &((__IEC_UINT_p *)ptr)->fvalue : ((__IEC_UINT_p *)ptr)->value;
    case UDINT_ENUM: return &((__IEC_UDINT_t *)ptr)->value;
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
    case BOOL_O_ENUM: memcpy(&((__IEC_BOOL_p *)ptr)->fvalue, val, size); memcpy(((__IEC_BOOL_p *)ptr)->value, val, size); ((__IEC_BOOL_p *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case UINT_ENUM: memcpy(&((__IEC_UINT_t *)ptr)->value, val, size); ((__IEC_UINT_t *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case UINT_P_ENUM: memcpy(&((__IEC_UINT_p *)ptr)->fvalue, val, size); ((__IEC_UINT_p *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case UDINT_ENUM: memcpy(&((__IEC_UDINT_t *)ptr)->value, val, size); ((__IEC_UDINT_t *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    default: break;
    }
    } else {
    switch (debug_vars[idx].type) {
    case BOOL_O_ENUM: ((__IEC_BOOL_p *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case UINT_ENUM: ((__IEC_UINT_t *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case UINT_P_ENUM: ((__IEC_UINT_p *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case UDINT_ENUM: ((__IEC_UDINT_t *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
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
