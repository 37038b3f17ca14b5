/* Wrappers that give every variable its flags, and the declarations of derived types. */
#ifndef IEC_TYPES_ALL_H
#define IEC_TYPES_ALL_H

#include "iec_types.h"

#ifndef TRUE
#define TRUE 1
#define FALSE 0
#endif

#define __IEC_DEBUG_FLAG 0x01
#define __IEC_FORCE_FLAG 0x02
#define __IEC_RETAIN_FLAG 0x04
#define __IEC_OUTPUT_FLAG 0x08

/* `_t` holds the value itself. `_p` points to a value held elsewhere (located or global) and has a copy of its own that
 * is read instead while the variable is forced. */
#define __DECLARE_WRAPPERS(type) \
  typedef struct {               \
    type value;                  \
    IEC_BYTE flags;              \
  } __IEC_##type##_t;            \
  typedef struct {               \
    type *value;                 \
    IEC_BYTE flags;              \
    type fvalue;                 \
  } __IEC_##type##_p;

#define __DECLARE_IEC_TYPE(type) \
  typedef IEC_##type type;       \
  __DECLARE_WRAPPERS(type)

#define __DECLARE_ARRAY_TYPE(type, base, size) \
  typedef struct {                             \
    base table size;                           \
  } type;                                      \
  __DECLARE_WRAPPERS(type)

#define __DECLARE_STRUCT_TYPE(type, elements) \
  typedef struct {                            \
    elements                                  \
  } type;                                     \
  __DECLARE_WRAPPERS(type)

__DECLARE_IEC_TYPE(BOOL)
__DECLARE_IEC_TYPE(SINT)
__DECLARE_IEC_TYPE(INT)
__DECLARE_IEC_TYPE(DINT)
__DECLARE_IEC_TYPE(LINT)
__DECLARE_IEC_TYPE(USINT)
__DECLARE_IEC_TYPE(UINT)
__DECLARE_IEC_TYPE(UDINT)
__DECLARE_IEC_TYPE(ULINT)
__DECLARE_IEC_TYPE(BYTE)
__DECLARE_IEC_TYPE(WORD)
__DECLARE_IEC_TYPE(DWORD)
__DECLARE_IEC_TYPE(LWORD)
__DECLARE_IEC_TYPE(REAL)
__DECLARE_IEC_TYPE(LREAL)
__DECLARE_IEC_TYPE(TIME)
__DECLARE_IEC_TYPE(DATE)
__DECLARE_IEC_TYPE(TOD)
__DECLARE_IEC_TYPE(DT)
__DECLARE_IEC_TYPE(STRING)

#endif
