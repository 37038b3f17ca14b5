static inline REAL __RAMP_ADD__REAL__REAL1(BOOL EN,
  REAL IN1,
  REAL IN2,
  RAMP *data__)
{
  REAL __res;
  BOOL __TMP_ENO = __GET_VAR(data__->ENO,);
  __res = ADD__REAL__REAL(EN,
    &__TMP_ENO,
    (UINT)2,
    IN1, IN2);
  __SET_VAR(,data__->ENO,,__TMP_ENO);
  return __res;
}

void RAMP_init__(RAMP *data__, BOOL retain) {
  __INIT_VAR(data__->EN,__BOOL_LITERAL(TRUE),retain)
  __INIT_VAR(data__->ENO,__BOOL_LITERAL(TRUE),retain)
  __INIT_VAR(data__->TARGET,0,retain)
  __INIT_VAR(data__->STEP,0.5,retain)
  __INIT_VAR(data__->VALUE,0,retain)
  __INIT_VAR(data__->DONE,__BOOL_LITERAL(FALSE),retain)
  TON_init__(&data__->SETTLED,retain);
}

// Code part
void RAMP_body__(RAMP *data__) {
  __SET_VAR(data__->,ENO,,__GET_VAR(data__->EN,));
  if (!__GET_VAR(data__->EN,)) return;
  if (__GET_VAR(data__->VALUE,) < __GET_VAR(data__->TARGET,)) {
    __SET_VAR(data__->,VALUE,,__RAMP_ADD__REAL__REAL1(__GET_VAR(data__->EN,), __GET_VAR(data__->VALUE,), __GET_VAR(data__->STEP,), data__));
  }
  else if (__GET_VAR(data__->VALUE,) > __GET_VAR(data__->TARGET,)) {
    __SET_VAR(data__->,VALUE,,__GET_VAR(data__->VALUE,) - __GET_VAR(data__->STEP,));
  }
  __SET_VAR(data__->SETTLED.,IN,,__GET_VAR(data__->VALUE,) == __GET_VAR(data__->TARGET,));
  __SET_VAR(data__->SETTLED.,PT,,__time_to_timespec(1, 100, 0, 0, 0, 0));
  TON_body__(&data__->SETTLED);
  __SET_VAR(data__->,DONE,,__GET_VAR(data__->SETTLED.Q,));
  goto __end;

__end:
  return;
} // RAMP_body__() 




void MAIN_init__(MAIN *data__, BOOL retain) {
  __INIT_VAR(data__->A_BOOL,__BOOL_LITERAL(TRUE),retain)
  __INIT_VAR(data__->A_SINT,-100,retain)
  __INIT_VAR(data__->A_INT,-30000,retain)
  __INIT_VAR(data__->A_DINT,-2000000000,retain)
  __INIT_VAR(data__->A_LINT,-9000000000000000000,retain)
  __INIT_VAR(data__->A_USINT,200,retain)
  __INIT_VAR(data__->A_UINT,60000,retain)
  __INIT_VAR(data__->A_UDINT,4000000000,retain)
  __INIT_VAR(data__->A_ULINT,9000000000000000000,retain)
  __INIT_VAR(data__->A_BYTE,0xA5,retain)
  __INIT_VAR(data__->A_WORD,0xBEEF,retain)
  __INIT_VAR(data__->A_DWORD,0xDEADBEEF,retain)
  __INIT_VAR(data__->A_LWORD,0x123456789ABCDEF,retain)
  __INIT_VAR(data__->A_REAL,3.25,retain)
  __INIT_VAR(data__->A_LREAL,-2.5,retain)
  __INIT_VAR(data__->A_TIME,__time_to_timespec(1, 4, 3, 2, 1, 0),retain)
  __INIT_VAR(data__->A_DATE,__date_to_timespec(27, 2, 2026),retain)
  __INIT_VAR(data__->A_TOD,__tod_to_timespec(15, 30, 12),retain)
  __INIT_VAR(data__->A_DT,__dt_to_timespec(15, 30, 12, 27, 2, 2026),retain)
  __INIT_VAR(data__->A_STRING,__STRING_LITERAL(8, "good day"),retain)
  { static const __ARRAY_OF_INT_5 temp = {{10, 20, 30, 40, 50}};
  __INIT_VAR(data__->NUMBERS,temp,retain) }
  { static const __ARRAY_OF_REAL_4 temp = {{0}};
  __INIT_VAR(data__->SAMPLES,temp,retain) }
  { static const MOTOR temp = {.RUNNING = TRUE, .SPEED = 1500};
  __INIT_VAR(data__->PUMP,temp,retain) }
  __INIT_VAR(data__->INDEX,0,retain)
  RAMP_init__(&data__->SPEED_RAMP,retain);
  R_TRIG_init__(&data__->START,retain);
  CTU_init__(&data__->PARTS,retain);
  __INIT_VAR(data__->HOURS,7,1)
  __INIT_VAR(data__->RECIPE,__STRING_LITERAL(3, "oak"),1)
  __INIT_EXTERNAL(INT,SHARED,data__->SHARED,retain)
  __INIT_EXTERNAL(REAL,LIMIT,data__->LIMIT,retain)
}

// Code part
void MAIN_body__(MAIN *data__) {
  __SET_VAR(data__->,A_INT,,__GET_VAR(data__->A_INT,) + 1);
  if (__GET_VAR(data__->A_INT,) > 30000) {
    __SET_VAR(data__->,A_INT,,- 30000);
  }
  __SET_VAR(data__->,A_WORD,,(__GET_VAR(data__->A_WORD,) & 0xFF) | 0xBE00);
  __SET_VAR(data__->,A_LREAL,,__GET_VAR(data__->A_LREAL,) * 1.0);
  __SET_VAR(data__->,INDEX,,2);
  while (__GET_VAR(data__->INDEX,) <= 5) {
    __SET_VAR(data__->,NUMBERS,.table[(__GET_VAR(data__->INDEX,)) - (1)],__GET_VAR(data__->NUMBERS,.table[(__GET_VAR(data__->INDEX,) - 1) - (1)]) + 10);
    __SET_VAR(data__->,INDEX,,__GET_VAR(data__->INDEX,) + 1);
  }
  __SET_VAR(data__->,SAMPLES,.table[(0) - (0)],__GET_VAR(data__->SAMPLES,.table[(1) - (0)]) + 0.25);
  __SET_VAR(data__->,PUMP,.CURRENT,__GET_VAR(data__->SAMPLES,.table[(0) - (0)]) * 2.0);
  __SET_VAR(data__->,PUMP,.RUNNING,__GET_VAR(data__->PUMP,.SPEED) > 0);
  __SET_VAR(data__->SPEED_RAMP.,TARGET,,__GET_EXTERNAL(data__->LIMIT,));
  RAMP_body__(&data__->SPEED_RAMP);
  __SET_VAR(data__->START.,CLK,,__GET_VAR(data__->SPEED_RAMP.DONE,));
  R_TRIG_body__(&data__->START);
  __SET_VAR(data__->PARTS.,CU,,__GET_VAR(data__->START.Q,));
  __SET_VAR(data__->PARTS.,R,,FALSE);
  __SET_VAR(data__->PARTS.,PV,,3);
  CTU_body__(&data__->PARTS);
  if (__GET_VAR(data__->START.Q,)) {
    __SET_VAR(data__->,HOURS,,__GET_VAR(data__->HOURS,) + 1);
    __SET_VAR(data__->,A_STRING,,__STRING_LITERAL(9, "ramp done"));
  }
  __SET_EXTERNAL(data__->,SHARED,,__GET_EXTERNAL(data__->SHARED,) + 1);
  goto __end;

__end:
  return;
} // MAIN_body__() 



