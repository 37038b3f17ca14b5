#ifndef C_BLOCKS_H
#define C_BLOCKS_H

typedef struct {
  IEC_REAL *MEASURED;
  IEC_REAL *GAIN;
  IEC_REAL *FILTERED;
  IEC_UDINT *CALLS;
} FILTER_VARS;
void filter_setup(FILTER_VARS *vars);
void filter_loop(FILTER_VARS *vars);

#endif
