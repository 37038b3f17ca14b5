#ifndef __POUS_H
#define __POUS_H

#include "accessor.h"
#include "iec_std_lib.h"


typedef struct {
  __DECLARE_VAR(BOOL,EN)
  __DECLARE_VAR(BOOL,ENO)
  __DECLARE_VAR(REAL,MEASURED)
  __DECLARE_VAR(REAL,GAIN)
  __DECLARE_VAR(REAL,FILTERED)
  __DECLARE_VAR(UDINT,CALLS)
  __DECLARE_VAR(BOOL,HASBEENINITIALIZED)
} FILTER;

void FILTER_init__(FILTER *data__, BOOL retain);
void FILTER_body__(FILTER *data__);

typedef struct {
  __DECLARE_VAR(REAL,LEVEL)
  __DECLARE_VAR(REAL,SMOOTH)
  FILTER LEVEL_FILTER;
} MAIN;

void MAIN_init__(MAIN *data__, BOOL retain);
void MAIN_body__(MAIN *data__);
#endif
