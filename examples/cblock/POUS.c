void FILTER_init__(FILTER *data__, BOOL retain) {
  __INIT_VAR(data__->EN,__BOOL_LITERAL(TRUE),retain)
  __INIT_VAR(data__->ENO,__BOOL_LITERAL(TRUE),retain)
  __INIT_VAR(data__->MEASURED,0,retain)
  __INIT_VAR(data__->GAIN,0,retain)
  __INIT_VAR(data__->FILTERED,0,retain)
  __INIT_VAR(data__->CALLS,0,retain)
  __INIT_VAR(data__->HASBEENINITIALIZED,__BOOL_LITERAL(FALSE),retain)
}

// Code part
void FILTER_body__(FILTER *data__) {
  __SET_VAR(data__->,ENO,,__GET_VAR(data__->EN,));
  if (!__GET_VAR(data__->EN,)) return;
  FILTER_VARS vars;
  vars.MEASURED = &data__->MEASURED.value;
  vars.GAIN = &data__->GAIN.value;
  vars.FILTERED = &data__->FILTERED.value;
  vars.CALLS = &data__->CALLS.value;
  if (__GET_VAR(data__->HASBEENINITIALIZED,) == FALSE) {
      filter_setup(&vars);
    
    __SET_VAR(data__->,HASBEENINITIALIZED,,TRUE);
  }
  filter_loop(&vars);
  goto __end;

__end:
  return;
} // FILTER_body__() 




void MAIN_init__(MAIN *data__, BOOL retain) {
  __INIT_VAR(data__->LEVEL,100.0,retain)
  __INIT_VAR(data__->SMOOTH,0,retain)
  FILTER_init__(&data__->LEVEL_FILTER,retain);
}

// Code part
void MAIN_body__(MAIN *data__) {
  __SET_VAR(data__->LEVEL_FILTER.,MEASURED,,__GET_VAR(data__->LEVEL,));
  __SET_VAR(data__->LEVEL_FILTER.,GAIN,,0.25);
  FILTER_body__(&data__->LEVEL_FILTER);
  __SET_VAR(data__->,SMOOTH,,__GET_VAR(data__->LEVEL_FILTER.FILTERED,));
  __SET_VAR(data__->,LEVEL,,50.0);
  goto __end;

__end:
  return;
} // MAIN_body__() 



