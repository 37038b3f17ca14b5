#include "iec_std_lib.h"
#include "accessor.h"
#include "POUS.h"

__DECLARE_GLOBAL(INT,CONFIG0,SHARED)
__DECLARE_GLOBAL(REAL,CONFIG0,LIMIT)
__DECLARE_GLOBAL(UDINT,CONFIG0,OPERATING_SECONDS)
void RES0_init__(void);

void config_init__(void) {
  BOOL retain;
  retain = 0;
  __INIT_GLOBAL(CONFIG0,SHARED,100,retain)
  __INIT_GLOBAL(CONFIG0,LIMIT,10.0,retain)
  __INIT_GLOBAL(CONFIG0,OPERATING_SECONDS,0,1)
  RES0_init__();
}

void RES0_run__(unsigned long tick);

void config_run__(unsigned long tick) {
  RES0_run__(tick);
}
unsigned long long common_ticktime__ = 20000000ULL; /*ns*/
unsigned long greatest_tick_count__ = (unsigned long)1UL; /*tick*/
