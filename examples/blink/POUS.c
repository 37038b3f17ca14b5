void MAIN_init__(MAIN *data__, BOOL retain) {
  __INIT_LOCATED(BOOL,__QX0_0,data__->LAMP,retain)
  __INIT_LOCATED_VALUE(data__->LAMP,__BOOL_LITERAL(FALSE))
  __INIT_VAR(data__->SCANS,0,retain)
  __INIT_VAR(data__->TOGGLES,0,retain)
  __INIT_VAR(data__->HALF_PERIOD,__time_to_timespec(1, 500, 0, 0, 0, 0),retain)
  TON_init__(&data__->TIMER,retain);
}

// Code part
void MAIN_body__(MAIN *data__) {
  __SET_VAR(data__->,SCANS,,__GET_VAR(data__->SCANS,) + 1);
  __SET_VAR(data__->TIMER.,IN,,TRUE);
  __SET_VAR(data__->TIMER.,PT,,__GET_VAR(data__->HALF_PERIOD,));
  TON_body__(&data__->TIMER);
  if (__GET_VAR(data__->TIMER.Q,)) {
    __SET_LOCATED(data__->,LAMP,,!__GET_LOCATED(data__->LAMP,));
    __SET_VAR(data__->,TOGGLES,,__GET_VAR(data__->TOGGLES,) + 1);
    __SET_VAR(data__->TIMER.,IN,,FALSE);
    TON_body__(&data__->TIMER);
    __SET_VAR(data__->TIMER.,IN,,TRUE);
    TON_body__(&data__->TIMER);
  }
  goto __end;

__end:
  return;
} // MAIN_body__() 



