#include "iec_std_lib.h"
#include "accessor.h"
#include "POUS.h"

void RES0_init__(void);

void config_init__(void) {
  BOOL retain;
  retain = 0;
  RES0_init__();
}

void RES0_run__(unsigned long tick);

void config_run__(unsigned long tick) {
  RES0_run__(tick);
}
unsigned long long common_ticktime__ = 20000000ULL; /*ns*/
unsigned long greatest_tick_count__ = (unsigned long)1UL; /*tick*/
