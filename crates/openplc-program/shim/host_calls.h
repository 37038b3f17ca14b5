/* What the shim tells its host_calls.cpp. */
#ifndef OPENPLC_HOST_CALLS_H
#define OPENPLC_HOST_CALLS_H

#include "openplc_program.h"

/* Where lines and Python blocks go from now on. */
void openplc_set_host(const openplc_host *host);
/* Time of the scan that begins, in nanoseconds. */
void openplc_set_time(uint64_t now_ns);

#endif
