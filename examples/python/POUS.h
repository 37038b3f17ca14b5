#ifndef __POUS_H
#define __POUS_H

#include "accessor.h"
#include "iec_std_lib.h"


typedef struct {
  __DECLARE_VAR(BOOL,EN)
  __DECLARE_VAR(BOOL,ENO)
  __DECLARE_VAR(INT,RAW)
  __DECLARE_VAR(REAL,FACTOR)
  __DECLARE_VAR(REAL,SCALED)
  __DECLARE_VAR(UDINT,ROUNDS)
  __DECLARE_VAR(BOOL,ODD)
  __DECLARE_VAR(BOOL,FIRST_RUN)
  __DECLARE_VAR(ULINT,SHM_IN_PTR)
  __DECLARE_VAR(ULINT,SHM_OUT_PTR)
} SCALE;

void SCALE_init__(SCALE *data__, BOOL retain);
void SCALE_body__(SCALE *data__);

typedef struct {
  __DECLARE_VAR(INT,COUNTER)
  SCALE FIRST;
  SCALE SECOND;
  __DECLARE_VAR(REAL,DIFFERENCE)
} MAIN;

void MAIN_init__(MAIN *data__, BOOL retain);
void MAIN_body__(MAIN *data__);
#endif
