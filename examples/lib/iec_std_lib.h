/* Everything that generated code includes: types, literals, standard functions and standard function blocks. */
#ifndef IEC_STD_LIB_H
#define IEC_STD_LIB_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "iec_types_all.h"
#include "accessor.h"

/* Set by the runtime before every scan and true while a debugger is attached. */
extern TIME __CURRENT_TIME;
extern BOOL __DEBUG;

#define __BOOL_LITERAL(value) ((BOOL)(value))
#define __BYTE_LITERAL(value) ((BYTE)(value))
#define __WORD_LITERAL(value) ((WORD)(value))
#define __DWORD_LITERAL(value) ((DWORD)(value))
#define __LWORD_LITERAL(value) ((LWORD)(value))
#define __STRING_LITERAL(length, text) ((STRING){length, text})

#define __NANOSECONDS 1000000000LL

static inline int64_t __to_nanoseconds(IEC_TIMESPEC time) {
  return time.tv_sec * __NANOSECONDS + time.tv_nsec;
}

static inline IEC_TIMESPEC __from_nanoseconds(int64_t nanoseconds) {
  IEC_TIMESPEC time = {(int32_t)(nanoseconds / __NANOSECONDS), (int32_t)(nanoseconds % __NANOSECONDS)};
  return time;
}

/* Days from 1970-01-01 to a day of the Gregorian calendar, counted in years that begin in March. */
static inline int64_t __days_from_civil(int day, int month, int year) {
  int64_t shifted = month <= 2 ? year - 1 : year;
  int64_t era = (shifted >= 0 ? shifted : shifted - 399) / 400;
  int64_t year_of_era = shifted - era * 400;
  int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static inline IEC_TIMESPEC __time_to_timespec(int sign, double ms, double s, double m, double h, double d) {
  return __from_nanoseconds(sign * (int64_t)((((d * 24 + h) * 60 + m) * 60 + s) * 1e9 + ms * 1e6));
}

static inline IEC_TIMESPEC __tod_to_timespec(double s, double m, double h) {
  return __time_to_timespec(1, 0, s, m, h, 0);
}

static inline IEC_TIMESPEC __date_to_timespec(int day, int month, int year) {
  return __from_nanoseconds(__days_from_civil(day, month, year) * 86400 * __NANOSECONDS);
}

static inline IEC_TIMESPEC __dt_to_timespec(double s, double m, double h, int day, int month, int year) {
  return __from_nanoseconds(__to_nanoseconds(__date_to_timespec(day, month, year)) +
                            __to_nanoseconds(__tod_to_timespec(s, m, h)));
}

#include "iec_std_functions.h"
#include "iec_std_FB.h"

#endif
