/* Standard functions: arithmetic of times, and what the example programs call. */
#ifndef IEC_STD_FUNCTIONS_H
#define IEC_STD_FUNCTIONS_H

#include "iec_types_all.h"

static inline TIME __time_add(TIME left, TIME right) {
  return __from_nanoseconds(__to_nanoseconds(left) + __to_nanoseconds(right));
}

static inline TIME __time_sub(TIME left, TIME right) {
  return __from_nanoseconds(__to_nanoseconds(left) - __to_nanoseconds(right));
}

/* Negative, zero or positive, as left is shorter than, as long as or longer than right. */
static inline int __time_cmp(TIME left, TIME right) {
  int64_t difference = __to_nanoseconds(left) - __to_nanoseconds(right);
  return (difference > 0) - (difference < 0);
}

/* Functions with EN and ENO. */
#define __DECLARE_ADD(type)                                                                            \
  static inline type ADD__##type##__##type(BOOL EN, BOOL *ENO, UINT count, type IN1, type IN2) {       \
    *ENO = EN;                                                                                         \
    return EN ? IN1 + IN2 : 0;                                                                         \
  }

__DECLARE_ADD(INT)
__DECLARE_ADD(REAL)

static inline LREAL __limit(LREAL low, LREAL value, LREAL high) {
  return value < low ? low : value > high ? high : value;
}

#endif
