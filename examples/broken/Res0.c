extern unsigned long long common_ticktime__;

#include "iec_std_lib.h"
#include "accessor.h"
#include "POUS.h"
#include "Config0.h"
#include "POUS.c"

BOOL TASK0;
MAIN RES0__INSTANCE0;
#define INSTANCE0 RES0__INSTANCE0

void RES0_init__(void) {
  BOOL retain;
  retain = 0;
  TASK0 = __BOOL_LITERAL(FALSE);
  MAIN_init__(&INSTANCE0,retain);
}

void RES0_run__(unsigned long tick) {
  TASK0 = !(tick % 1);
  if (TASK0) {
    MAIN_body__(&INSTANCE0);
  }
}
