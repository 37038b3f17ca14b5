void CONTROL_init__(CONTROL *data__, BOOL retain) {
  __INIT_VAR(data__->SCANS,0,retain)
  __INIT_EXTERNAL(UINT,PULSES,data__->PULSES,retain)
  __INIT_LOCATED(BOOL,__QX0_0,data__->LAMP,retain)
  __INIT_LOCATED_VALUE(data__->LAMP,__BOOL_LITERAL(FALSE))
}

// Code part
void CONTROL_body__(CONTROL *data__) {
  __SET_VAR(data__->,SCANS,,__GET_VAR(data__->SCANS,) + 1);
  __SET_EXTERNAL(data__->,PULSES,,__GET_EXTERNAL(data__->PULSES,) + 1);
  __SET_LOCATED(data__->,LAMP,,__GET_EXTERNAL(data__->PULSES,) % 2 == 1);
  goto __end;

__end:
  return;
} // CONTROL_body__() 




void REPORT_init__(REPORT *data__, BOOL retain) {
  __INIT_VAR(data__->SCANS,0,retain)
  __INIT_EXTERNAL(UINT,PULSES,data__->PULSES,retain)
  __INIT_VAR(data__->LAST_PULSES,0,retain)
}

// Code part
void REPORT_body__(REPORT *data__) {
  __SET_VAR(data__->,SCANS,,__GET_VAR(data__->SCANS,) + 1);
  __SET_VAR(data__->,LAST_PULSES,,__GET_EXTERNAL(data__->PULSES,));
  __SET_EXTERNAL(data__->,PULSES,,0);
  goto __end;

__end:
  return;
} // REPORT_body__() 



