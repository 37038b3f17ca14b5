#ifndef __POUS_H
#define __POUS_H

#include "accessor.h"
#include "iec_std_lib.h"


typedef struct {
  __DECLARE_LOCATED(BOOL,LAMP)
  __DECLARE_VAR(UDINT,SCANS)
  __DECLARE_VAR(UINT,TOGGLES)
  __DECLARE_VAR(TIME,HALF_PERIOD)
  TON TIMER;
} MAIN;

void MAIN_init__(MAIN *data__, BOOL retain);
void MAIN_body__(MAIN *data__);
#endif
