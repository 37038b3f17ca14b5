/* The elementary types of IEC 61131-3 as the generated code and the runtime exchange them. */
#ifndef IEC_TYPES_H
#define IEC_TYPES_H

#include <stdint.h>

typedef uint8_t IEC_BOOL;

typedef int8_t IEC_SINT;
typedef int16_t IEC_INT;
typedef int32_t IEC_DINT;
typedef int64_t IEC_LINT;

typedef uint8_t IEC_USINT;
typedef uint16_t IEC_UINT;
typedef uint32_t IEC_UDINT;
typedef uint64_t IEC_ULINT;

typedef uint8_t IEC_BYTE;
typedef uint16_t IEC_WORD;
typedef uint32_t IEC_DWORD;
typedef uint64_t IEC_LWORD;

typedef float IEC_REAL;
typedef double IEC_LREAL;

/* TIME is a duration; DATE, TOD and DT count from 1970-01-01 00:00 or from midnight. */
typedef struct {
  int32_t tv_sec;
  int32_t tv_nsec;
} IEC_TIMESPEC;

typedef IEC_TIMESPEC IEC_TIME;
typedef IEC_TIMESPEC IEC_DATE;
typedef IEC_TIMESPEC IEC_TOD;
typedef IEC_TIMESPEC IEC_DT;

#define STR_LEN_TYPE int8_t
#define STR_MAX_LEN 126

typedef STR_LEN_TYPE __strlen_t;

typedef struct {
  __strlen_t len;
  uint8_t body[STR_MAX_LEN];
} IEC_STRING;

#endif
