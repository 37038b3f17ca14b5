#include "iec_std_lib.h"
#include "accessor.h"
#include "POUS.h"

__DECLARE_GLOBAL(UINT,CONFIG0,PULSES)
void RES0_init__(void);

void config_init__(void) {
  BOOL retain;
  retain = 0;
  __INIT_GLOBAL(CONFIG0,PULSES,0,retain)
  RES0_init__();
}

void RES0_run__(unsigned long tick);

void config_run__(unsigned long tick) {
  RES0_run__(tick);
}
unsigned long long common_ticktime__ = 20000000ULL; /*ns*/
unsigned long greatest_tick_count__ = (unsigned long)5UL; /*tick*/
