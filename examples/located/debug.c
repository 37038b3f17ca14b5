#include <stdbool.h>
#include <string.h>

#include "iec_types_all.h"
#include "POUS.h"

#define SAME_ENDIANNESS 0
#define REVERSE_ENDIANNESS 1

char plc_program_md5[] = "dbe89f7033cd113c7a33278bb9d97ca9";

uint8_t endianness;

extern __IEC_BOOL_p CONFIG0__ALARM;
extern MAIN RES0__INSTANCE0;

typedef enum {
    BOOL_P_ENUM,
    BOOL_O_ENUM,
    INT_P_ENUM,
    INT_O_ENUM,
    UINT_O_ENUM,
    UDINT_O_ENUM,
    ULINT_O_ENUM,
    BYTE_P_ENUM,
    BYTE_O_ENUM,
    WORD_P_ENUM,
    WORD_O_ENUM,
    REAL_P_ENUM,
    REAL_O_ENUM,
    LREAL_P_ENUM,
    LREAL_O_ENUM,
} debug_type;

static const struct {
    void *ptr;
    debug_type type;
} debug_vars[] = {
    {&(CONFIG0__ALARM), BOOL_O_ENUM},
    {&(RES0__INSTANCE0.IN_BIT), BOOL_P_ENUM},
    {&(RES0__INSTANCE0.IN_BIT_LAST), BOOL_P_ENUM},
    {&(RES0__INSTANCE0.IN_BYTE), BYTE_P_ENUM},
    {&(RES0__INSTANCE0.IN_INT), INT_P_ENUM},
    {&(RES0__INSTANCE0.IN_WORD_LAST), WORD_P_ENUM},
    {&(RES0__INSTANCE0.IN_REAL), REAL_P_ENUM},
    {&(RES0__INSTANCE0.IN_LREAL), LREAL_P_ENUM},
    {&(RES0__INSTANCE0.OUT_BIT), BOOL_O_ENUM},
    {&(RES0__INSTANCE0.OUT_BIT_LAST), BOOL_O_ENUM},
    {&(RES0__INSTANCE0.OUT_BYTE), BYTE_O_ENUM},
    {&(RES0__INSTANCE0.OUT_INT), INT_O_ENUM},
    {&(RES0__INSTANCE0.OUT_WORD_LAST), WORD_O_ENUM},
    {&(RES0__INSTANCE0.OUT_REAL), REAL_O_ENUM},
    {&(RES0__INSTANCE0.OUT_LREAL), LREAL_O_ENUM},
    {&(RES0__INSTANCE0.MEMORY_BIT), BOOL_O_ENUM},
    {&(RES0__INSTANCE0.MEMORY_UINT), UINT_O_ENUM},
    {&(RES0__INSTANCE0.MEMORY_UDINT), UDINT_O_ENUM},
    {&(RES0__INSTANCE0.MEMORY_ULINT), ULINT_O_ENUM},
    {&(RES0__INSTANCE0.ALARM), BOOL_P_ENUM},
};

#define VAR_COUNT 20

uint16_t get_var_count(void)
{
    return VAR_COUNT;
}

size_t get_var_size(size_t idx)
{
    if (idx >= VAR_COUNT) return 0;
    switch (debug_vars[idx].type) {
    case BOOL_P_ENUM: return sizeof(BOOL);
    case BOOL_O_ENUM: return sizeof(BOOL);
    case INT_P_ENUM: return sizeof(INT);
    case INT_O_ENUM: return sizeof(INT);
    case UINT_O_ENUM: return sizeof(UINT);
    case UDINT_O_ENUM: return sizeof(UDINT);
    case ULINT_O_ENUM: return sizeof(ULINT);
    case BYTE_P_ENUM: return sizeof(BYTE);
    case BYTE_O_ENUM: return sizeof(BYTE);
    case WORD_P_ENUM: return sizeof(WORD);
    case WORD_O_ENUM: return sizeof(WORD);
    case REAL_P_ENUM: return sizeof(REAL);
    case REAL_O_ENUM: return sizeof(REAL);
    case LREAL_P_ENUM: return sizeof(LREAL);
    case LREAL_O_ENUM: return sizeof(LREAL);
    default: return 0;
    }
}

void *get_var_addr(size_t idx)
{
    void *ptr = debug_vars[idx].ptr;
    switch (debug_vars[idx].type) {
    case BOOL_P_ENUM: return ((__IEC_BOOL_p *)ptr)->flags & __IEC_FORCE_FLAG ? &((__IEC_BOOL_p *)ptr)->fvalue : ((__IEC_BOOL_p *)ptr)->value;
    case BOOL_O_ENUM: return ((__IEC_BOOL_p *)ptr)->flags & __IEC_FORCE_FLAG ? &((__IEC_BOOL_p *)ptr)->fvalue : ((__IEC_BOOL_p *)ptr)->value;
    case INT_P_ENUM: return ((__IEC_INT_p *)ptr)->flags & __IEC_FORCE_FLAG ? &((__IEC_INT_p *)ptr)->fvalue : ((__IEC_INT_p *)ptr)->value;
    case INT_O_ENUM: return ((__IEC_INT_p *)ptr)->flags & __IEC_FORCE_FLAG ? &((__IEC_INT_p *)ptr)->fvalue : ((__IEC_INT_p *)ptr)->value;
    case UINT_O_ENUM: return ((__IEC_UINT_p *)ptr)->flags & __IEC_FORCE_FLAG ? &((__IEC_UINT_p *)ptr)->fvalue : ((__IEC_UINT_p *)ptr)->value;
    case UDINT_O_ENUM: return ((__IEC_UDINT_p *)ptr)->flags & __IEC_FORCE_FLAG ? &((__IEC_UDINT_p *)ptr)->fvalue : ((__IEC_UDINT_p *)ptr)->value;
    case ULINT_O_ENUM: return ((__IEC_ULINT_p *)ptr)->flags & __IEC_FORCE_FLAG ? &((__IEC_ULINT_p *)ptr)->fvalue : ((__IEC_ULINT_p *)ptr)->value;
    case BYTE_P_ENUM: return ((__IEC_BYTE_p *)ptr)->flags & __IEC_FORCE_FLAG ? &((__IEC_BYTE_p *)ptr)->fvalue : ((__IEC_BYTE_p *)ptr)->value;
    case BYTE_O_ENUM: return ((__IEC_BYTE_p *)ptr)->flags & __IEC_FORCE_FLAG ? &((__IEC_BYTE_p *)ptr)->fvalue : ((__IEC_BYTE_p *)ptr)->value;
    case WORD_P_ENUM: return ((__IEC_WORD_p *)ptr)->flags & __IEC_FORCE_FLAG ? &((__IEC_WORD_p *)ptr)->fvalue : ((__IEC_WORD_p *)ptr)->value;
    case WORD_O_ENUM: return ((__IEC_WORD_p *)ptr)->flags & __IEC_FORCE_FLAG ? &((__IEC_WORD_p *)ptr)->fvalue : ((__IEC_WORD_p *)ptr)->value;
    case REAL_P_ENUM: return ((__IEC_REAL_p *)ptr)->flags & __IEC_FORCE_FLAG ? &((__IEC_REAL_p *)ptr)->fvalue : ((__IEC_REAL_p *)ptr)->value;
    case REAL_O_ENUM: return ((__IEC_REAL_p *)ptr)->flags & __IEC_FORCE_FLAG ? &((__IEC_REAL_p *)ptr)->fvalue : ((__IEC_REAL_p *)ptr)->value;
    case LREAL_P_ENUM: return ((__IEC_LREAL_p *)ptr)->flags & __IEC_FORCE_FLAG ? &((__IEC_LREAL_p *)ptr)->fvalue : ((__IEC_LREAL_p *)ptr)->value;
    case LREAL_O_ENUM: return ((__IEC_LREAL_p *)ptr)->flags & __IEC_FORCE_FLAG ? &((__IEC_LREAL_p *)ptr)->fvalue : ((__IEC_LREAL_p *)ptr)->value;
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
    case BOOL_P_ENUM: memcpy(&((__IEC_BOOL_p *)ptr)->fvalue, val, size); ((__IEC_BOOL_p *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case BOOL_O_ENUM: memcpy(&((__IEC_BOOL_p *)ptr)->fvalue, val, size); memcpy(((__IEC_BOOL_p *)ptr)->value, val, size); ((__IEC_BOOL_p *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case INT_P_ENUM: memcpy(&((__IEC_INT_p *)ptr)->fvalue, val, size); ((__IEC_INT_p *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case INT_O_ENUM: memcpy(&((__IEC_INT_p *)ptr)->fvalue, val, size); memcpy(((__IEC_INT_p *)ptr)->value, val, size); ((__IEC_INT_p *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case UINT_O_ENUM: memcpy(&((__IEC_UINT_p *)ptr)->fvalue, val, size); memcpy(((__IEC_UINT_p *)ptr)->value, val, size); ((__IEC_UINT_p *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case UDINT_O_ENUM: memcpy(&((__IEC_UDINT_p *)ptr)->fvalue, val, size); memcpy(((__IEC_UDINT_p *)ptr)->value, val, size); ((__IEC_UDINT_p *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case ULINT_O_ENUM: memcpy(&((__IEC_ULINT_p *)ptr)->fvalue, val, size); memcpy(((__IEC_ULINT_p *)ptr)->value, val, size); ((__IEC_ULINT_p *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case BYTE_P_ENUM: memcpy(&((__IEC_BYTE_p *)ptr)->fvalue, val, size); ((__IEC_BYTE_p *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case BYTE_O_ENUM: memcpy(&((__IEC_BYTE_p *)ptr)->fvalue, val, size); memcpy(((__IEC_BYTE_p *)ptr)->value, val, size); ((__IEC_BYTE_p *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case WORD_P_ENUM: memcpy(&((__IEC_WORD_p *)ptr)->fvalue, val, size); ((__IEC_WORD_p *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case WORD_O_ENUM: memcpy(&((__IEC_WORD_p *)ptr)->fvalue, val, size); memcpy(((__IEC_WORD_p *)ptr)->value, val, size); ((__IEC_WORD_p *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case REAL_P_ENUM: memcpy(&((__IEC_REAL_p *)ptr)->fvalue, val, size); ((__IEC_REAL_p *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case REAL_O_ENUM: memcpy(&((__IEC_REAL_p *)ptr)->fvalue, val, size); memcpy(((__IEC_REAL_p *)ptr)->value, val, size); ((__IEC_REAL_p *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case LREAL_P_ENUM: memcpy(&((__IEC_LREAL_p *)ptr)->fvalue, val, size); ((__IEC_LREAL_p *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    case LREAL_O_ENUM: memcpy(&((__IEC_LREAL_p *)ptr)->fvalue, val, size); memcpy(((__IEC_LREAL_p *)ptr)->value, val, size); ((__IEC_LREAL_p *)ptr)->flags |= __IEC_FORCE_FLAG; break;
    default: break;
    }
    } else {
    switch (debug_vars[idx].type) {
    case BOOL_P_ENUM: ((__IEC_BOOL_p *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case BOOL_O_ENUM: ((__IEC_BOOL_p *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case INT_P_ENUM: ((__IEC_INT_p *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case INT_O_ENUM: ((__IEC_INT_p *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case UINT_O_ENUM: ((__IEC_UINT_p *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case UDINT_O_ENUM: ((__IEC_UDINT_p *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case ULINT_O_ENUM: ((__IEC_ULINT_p *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case BYTE_P_ENUM: ((__IEC_BYTE_p *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case BYTE_O_ENUM: ((__IEC_BYTE_p *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case WORD_P_ENUM: ((__IEC_WORD_p *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case WORD_O_ENUM: ((__IEC_WORD_p *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case REAL_P_ENUM: ((__IEC_REAL_p *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case REAL_O_ENUM: ((__IEC_REAL_p *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case LREAL_P_ENUM: ((__IEC_LREAL_p *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
    case LREAL_O_ENUM: ((__IEC_LREAL_p *)ptr)->flags &= ~__IEC_FORCE_FLAG; break;
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
