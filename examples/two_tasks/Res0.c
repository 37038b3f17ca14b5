extern unsigned long long common_ticktime__;

#include "iec_std_lib.h"
#include "accessor.h"
#include "POUS.h"
#include "Config0.h"
#include "POUS.c"

BOOL FAST;
BOOL SLOW;
CONTROL RES0__CONTROL0;
#define CONTROL0 RES0__CONTROL0
REPORT RES0__REPORT0;
#define REPORT0 RES0__REPORT0

void RES0_init__(void) {
  BOOL retain;
  retain = 0;
  FAST = __BOOL_LITERAL(FALSE);
  SLOW = __BOOL_LITERAL(FALSE);
  CONTROL_init__(&CONTROL0,retain);
  REPORT_init__(&REPORT0,retain);
}

void RES0_run__(unsigned long tick) {
  FAST = !(tick % 1);
  SLOW = !(tick % 5);
  if (FAST) {
    CONTROL_body__(&CONTROL0);
  }
  if (SLOW) {
    REPORT_body__(&REPORT0);
  }
}
