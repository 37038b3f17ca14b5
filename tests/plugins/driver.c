/* A native plugin that drives a device from its hooks, as a driver of a field bus does: it notes in its log what %QX0.0 is at each
 * call. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "openplc_plugin.h"

static plugin_runtime_args_t runtime;
static FILE *device;

static void note(const char *hook) {
    fprintf(device, "%s %d\n", hook, *runtime.bool_output[0][0]);
    fflush(device);
}

int init(void *arguments) {
    memcpy(&runtime, arguments, sizeof runtime);
    device = fopen(DEVICE, "a");
    return device ? 0 : -1;
}

int start_loop(void) { return 0; }

void stop_loop(void) { note("stop_loop"); }

void cleanup(void) { note("cleanup"); }

void cycle_start(void) {}

/* So slow that the end of the scans falls into it. */
void cycle_end(void) {
    note("cycle_end");
    usleep(250000);
}
