#ifndef __POUS_H
#define __POUS_H

#include "accessor.h"
#include "iec_std_lib.h"

__DECLARE_GLOBAL_PROTOTYPE(UINT,PULSES)

typedef struct {
  __DECLARE_VAR(UDINT,SCANS)
  __DECLARE_EXTERNAL(UINT,PULSES)
  __DECLARE_LOCATED(BOOL,LAMP)
} CONTROL;

void CONTROL_init__(CONTROL *data__, BOOL retain);
void CONTROL_body__(CONTROL *data__);

typedef struct {
  __DECLARE_VAR(UDINT,SCANS)
  __DECLARE_EXTERNAL(UINT,PULSES)
  __DECLARE_VAR(UINT,LAST_PULSES)
} REPORT;

void REPORT_init__(REPORT *data__, BOOL retain);
void REPORT_body__(REPORT *data__);
#endif
