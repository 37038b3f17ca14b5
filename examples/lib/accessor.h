/* How generated code declares, initialises, reads and writes variables, with respect for forcing.
 *
 * Three kinds: plain variables hold their value (`_t`); located variables point to an entry of LOCATED_VARIABLES.h and
 * external variables to a global of the configuration (`_p`). */
#ifndef ACCESSOR_H
#define ACCESSOR_H

#include "iec_types_all.h"

#define __INITIAL_VALUE(...) __VA_ARGS__
#define __FORCED(variable) ((variable).flags & __IEC_FORCE_FLAG)
#define __INIT_RETAIN(variable, retained) \
  if (retained) (variable).flags |= __IEC_RETAIN_FLAG;

/* Plain variables */

#define __DECLARE_VAR(type, name) __IEC_##type##_t name;

#define __INIT_VAR(variable, initial, retained) \
  {                                             \
    (variable).value = initial;                 \
    __INIT_RETAIN(variable, retained)           \
  }

#define __GET_VAR(variable, ...) ((variable).value __VA_ARGS__)

#define __SET_VAR(prefix, name, suffix, ...)                                \
  do {                                                                      \
    if (!__FORCED(prefix name)) prefix name.value suffix = __VA_ARGS__;     \
  } while (0)

/* Located variables */

#define __DECLARE_LOCATED(type, name) __IEC_##type##_p name;

#define __INIT_LOCATED(type, location, variable, retained) \
  {                                                        \
    extern type *location;                                 \
    (variable).value = location;                           \
    __INIT_RETAIN(variable, retained)                      \
  }

#define __INIT_LOCATED_VALUE(variable, initial) *(variable).value = initial;

#define __GET_LOCATED(variable, ...) \
  ((__FORCED(variable) ? &(variable).fvalue : (variable).value)[0] __VA_ARGS__)

#define __SET_LOCATED(prefix, name, suffix, ...)                               \
  do {                                                                         \
    if (!__FORCED(prefix name)) (*(prefix name.value)) suffix = __VA_ARGS__;   \
  } while (0)

/* Globals of the configuration, and external variables that refer to them */

#define __DECLARE_GLOBAL(type, domain, name)                                       \
  __IEC_##type##_t domain##__##name;                                               \
  type *__GET_GLOBAL_##name(void) { return &domain##__##name.value; }              \
  IEC_BYTE __IS_GLOBAL_##name##_FORCED(void) { return __FORCED(domain##__##name); }

#define __DECLARE_GLOBAL_LOCATED(type, domain, name)                               \
  __IEC_##type##_p domain##__##name;                                               \
  type *__GET_GLOBAL_##name(void) { return domain##__##name.value; }               \
  IEC_BYTE __IS_GLOBAL_##name##_FORCED(void) { return __FORCED(domain##__##name); }

#define __DECLARE_GLOBAL_PROTOTYPE(type, name) \
  extern type *__GET_GLOBAL_##name(void);      \
  extern IEC_BYTE __IS_GLOBAL_##name##_FORCED(void);

#define __INIT_GLOBAL(domain, name, initial, retained) __INIT_VAR(domain##__##name, initial, retained)

#define __INIT_GLOBAL_LOCATED(type, location, domain, name, retained) \
  __INIT_LOCATED(type, location, domain##__##name, retained)

#define __DECLARE_EXTERNAL(type, name) __IEC_##type##_p name;

#define __INIT_EXTERNAL(type, global, variable, retained) \
  {                                                       \
    (variable).value = __GET_GLOBAL_##global();           \
    __INIT_RETAIN(variable, retained)                     \
  }

#define __GET_EXTERNAL(variable, ...) __GET_LOCATED(variable, __VA_ARGS__)

#define __SET_EXTERNAL(prefix, name, suffix, ...)                                        \
  do {                                                                                   \
    if (!__FORCED(prefix name) && !__IS_GLOBAL_##name##_FORCED())                        \
      (*(prefix name.value)) suffix = __VA_ARGS__;                                       \
  } while (0)

#endif
