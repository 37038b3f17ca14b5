/* How a program that calls exit() is kept from ending the runtime. */
#ifndef OPENPLC_EXIT_CALLS_H
#define OPENPLC_EXIT_CALLS_H

#include <setjmp.h>

/* From here on exit() is understood. Until then, and while the object is unloaded, it aborts. */
void openplc_expect_exit(void);
/* Where exit() of the calling thread leads from now on, after a _setjmp() by the caller, who must not return before
 * openplc_leave(). Several threads may execute different tasks. */
void openplc_enter(jmp_buf *way_out);
void openplc_leave(void);
/* Which call the program made, in words; null as long as it made none. */
const char *openplc_exit_text(void);

#endif
