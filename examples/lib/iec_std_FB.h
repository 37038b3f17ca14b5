/* Standard function blocks. Every block first looks at EN and reports it in ENO, as generated blocks do. */
#ifndef IEC_STD_FB_H
#define IEC_STD_FB_H

#include "../c_blocks.h"
#include "communication.h"

#define __INIT_ENABLE(data, retain)                       \
  __INIT_VAR((data)->EN, __BOOL_LITERAL(TRUE), retain)    \
  __INIT_VAR((data)->ENO, __BOOL_LITERAL(TRUE), retain)

#define __CHECK_ENABLE(data)                              \
  __SET_VAR((data)->, ENO, , __GET_VAR((data)->EN, ));    \
  if (!__GET_VAR((data)->EN, )) return;

/* Edge detection: Q is true for one call. */
#define __DECLARE_TRIGGER(name, edge)                                                  \
  typedef struct {                                                                     \
    __DECLARE_VAR(BOOL, EN)                                                            \
    __DECLARE_VAR(BOOL, ENO)                                                           \
    __DECLARE_VAR(BOOL, CLK)                                                           \
    __DECLARE_VAR(BOOL, Q)                                                             \
    __DECLARE_VAR(BOOL, M)                                                             \
  } name;                                                                              \
  static void name##_init__(name *data__, BOOL retain) {                        \
    __INIT_ENABLE(data__, retain)                                                      \
    __INIT_VAR(data__->CLK, 0, retain)                                                 \
    __INIT_VAR(data__->Q, 0, retain)                                                   \
    __INIT_VAR(data__->M, !(edge), retain)                                             \
  }                                                                                    \
  static void name##_body__(name *data__) {                                     \
    __CHECK_ENABLE(data__)                                                             \
    BOOL clock = __GET_VAR(data__->CLK, );                                             \
    __SET_VAR(data__->, Q, , clock == (edge) && __GET_VAR(data__->M, ) != (edge));     \
    __SET_VAR(data__->, M, , clock);                                                   \
  }

__DECLARE_TRIGGER(R_TRIG, 1)
__DECLARE_TRIGGER(F_TRIG, 0)

/* Counts rising edges of CU. */
typedef struct {
  __DECLARE_VAR(BOOL, EN)
  __DECLARE_VAR(BOOL, ENO)
  __DECLARE_VAR(BOOL, CU)
  __DECLARE_VAR(BOOL, R)
  __DECLARE_VAR(INT, PV)
  __DECLARE_VAR(BOOL, Q)
  __DECLARE_VAR(INT, CV)
  R_TRIG CU_T;
} CTU;

static void CTU_init__(CTU *data__, BOOL retain) {
  __INIT_ENABLE(data__, retain)
  __INIT_VAR(data__->CU, 0, retain)
  __INIT_VAR(data__->R, 0, retain)
  __INIT_VAR(data__->PV, 0, retain)
  __INIT_VAR(data__->Q, 0, retain)
  __INIT_VAR(data__->CV, 0, retain)
  R_TRIG_init__(&data__->CU_T, retain);
}

static void CTU_body__(CTU *data__) {
  __CHECK_ENABLE(data__)
  __SET_VAR(data__->CU_T., CLK, , __GET_VAR(data__->CU, ));
  R_TRIG_body__(&data__->CU_T);
  if (__GET_VAR(data__->R, )) {
    __SET_VAR(data__->, CV, , 0);
  } else if (__GET_VAR(data__->CU_T.Q, ) && __GET_VAR(data__->CV, ) < INT16_MAX) {
    __SET_VAR(data__->, CV, , __GET_VAR(data__->CV, ) + 1);
  }
  __SET_VAR(data__->, Q, , __GET_VAR(data__->CV, ) >= __GET_VAR(data__->PV, ));
}

/* Timers. STATE: 0 waits for its edge, 1 is timing, 2 has elapsed. */
#define __DECLARE_TIMER(name)                                          \
  typedef struct {                                                     \
    __DECLARE_VAR(BOOL, EN)                                            \
    __DECLARE_VAR(BOOL, ENO)                                           \
    __DECLARE_VAR(BOOL, IN)                                            \
    __DECLARE_VAR(TIME, PT)                                            \
    __DECLARE_VAR(BOOL, Q)                                             \
    __DECLARE_VAR(TIME, ET)                                            \
    __DECLARE_VAR(SINT, STATE)                                         \
    __DECLARE_VAR(BOOL, PREV_IN)                                       \
    __DECLARE_VAR(TIME, CURRENT_TIME)                                  \
    __DECLARE_VAR(TIME, START_TIME)                                    \
  } name;                                                              \
  static void name##_init__(name *data__, BOOL retain) {        \
    static const TIME zero = {0, 0};                                   \
    __INIT_ENABLE(data__, retain)                                      \
    __INIT_VAR(data__->IN, 0, retain)                                  \
    __INIT_VAR(data__->PT, zero, retain)                               \
    __INIT_VAR(data__->Q, 0, retain)                                   \
    __INIT_VAR(data__->ET, zero, retain)                               \
    __INIT_VAR(data__->STATE, 0, retain)                               \
    __INIT_VAR(data__->PREV_IN, 0, retain)                             \
    __INIT_VAR(data__->CURRENT_TIME, zero, retain)                     \
    __INIT_VAR(data__->START_TIME, zero, retain)                       \
  }

/* Starts timing when `starts`, and advances ET up to PT while timing. */
#define __RUN_TIMER(data, starts)                                                                            \
  __SET_VAR((data)->, CURRENT_TIME, , __CURRENT_TIME);                                                       \
  if (starts) {                                                                                              \
    static const TIME zero = {0, 0};                                                                         \
    __SET_VAR((data)->, STATE, , 1);                                                                         \
    __SET_VAR((data)->, START_TIME, , __GET_VAR((data)->CURRENT_TIME, ));                                    \
    __SET_VAR((data)->, ET, , zero);                                                                         \
  }                                                                                                          \
  if (__GET_VAR((data)->STATE, ) == 1) {                                                                     \
    TIME elapsed = __time_sub(__GET_VAR((data)->CURRENT_TIME, ), __GET_VAR((data)->START_TIME, ));           \
    if (__time_cmp(elapsed, __GET_VAR((data)->PT, )) >= 0) {                                                 \
      __SET_VAR((data)->, STATE, , 2);                                                                       \
      __SET_VAR((data)->, ET, , __GET_VAR((data)->PT, ));                                                    \
    } else {                                                                                                 \
      __SET_VAR((data)->, ET, , elapsed);                                                                    \
    }                                                                                                        \
  }

#define __RESET_TIMER(data)                      \
  {                                              \
    static const TIME none = {0, 0};             \
    __SET_VAR((data)->, STATE, , 0);             \
    __SET_VAR((data)->, ET, , none);             \
  }

__DECLARE_TIMER(TON)
__DECLARE_TIMER(TOF)
__DECLARE_TIMER(TP)

/* On-delay: Q follows a rise of IN after PT. */
static void TON_body__(TON *data__) {
  __CHECK_ENABLE(data__)
  BOOL in = __GET_VAR(data__->IN, );
  __RUN_TIMER(data__, in && !__GET_VAR(data__->PREV_IN, ))
  if (!in) __RESET_TIMER(data__)
  __SET_VAR(data__->, Q, , __GET_VAR(data__->STATE, ) == 2);
  __SET_VAR(data__->, PREV_IN, , in);
}

/* Off-delay: Q follows a fall of IN after PT. */
static void TOF_body__(TOF *data__) {
  __CHECK_ENABLE(data__)
  BOOL in = __GET_VAR(data__->IN, );
  __RUN_TIMER(data__, !in && __GET_VAR(data__->PREV_IN, ))
  if (in) __RESET_TIMER(data__)
  __SET_VAR(data__->, Q, , in || __GET_VAR(data__->STATE, ) == 1);
  __SET_VAR(data__->, PREV_IN, , in);
}

/* Pulse: a rise of IN makes Q true for PT. */
static void TP_body__(TP *data__) {
  __CHECK_ENABLE(data__)
  BOOL in = __GET_VAR(data__->IN, );
  __RUN_TIMER(data__, in && !__GET_VAR(data__->PREV_IN, ) && __GET_VAR(data__->STATE, ) == 0)
  __SET_VAR(data__->, Q, , __GET_VAR(data__->STATE, ) == 1);
  if (!in && __GET_VAR(data__->STATE, ) == 2) __RESET_TIMER(data__)
  __SET_VAR(data__->, PREV_IN, , in);
}

#endif
