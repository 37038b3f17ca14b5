/* A native plugin within the scan. At the beginning of each scan it counts in %IW10, and at the end it looks whether the program has
 * made %QW1 of that in the same scan; %MW30 counts the scans in which it has not, %MW31 all of them. Its configuration is a word:
 * what it does wrong after fifty scans, or in init. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "openplc_plugin.h"

static plugin_runtime_args_t runtime;
static char mode[64];
static uint16_t calls, differing;

static int is(const char *word) {
    return strcmp(mode, word) == 0;
}

static void *abort_in_thread(void *unused) {
    (void)unused;
    sleep(1);
    abort();
}

int init(void *arguments) {
    memcpy(&runtime, arguments, sizeof runtime);
    FILE *file = fopen(runtime.plugin_specific_config_file_path, "r");
    if (file == NULL) {
        return -1;
    }
    if (fscanf(file, "%63[a-z ]", mode) != 1) {
        mode[0] = 0;
    }
    fclose(file);
    if (is("crash in init")) {
        abort();
    }
    runtime.log_info("in_scan: init, a socket is %s", socket(AF_UNIX, SOCK_DGRAM, 0) < 0 ? "refused" : "opened");
    return is("fail in init") ? 7 : 0;
}

int start_loop(void) {
    pthread_t thread;
    if (is("crash in thread")) {
        pthread_create(&thread, NULL, abort_in_thread, NULL);
    }
    runtime.log_info("in_scan: begins, a socket is %s", socket(AF_UNIX, SOCK_DGRAM, 0) < 0 ? "refused" : "opened");
    return 0;
}

void stop_loop(void) {
    runtime.log_info("in_scan: ends, %%QW1 is %d", *runtime.int_output[1]);
}

void cleanup(void) {
    runtime.log_info("in_scan: is cleaned up");
}

void cycle_start(void) {
    calls++;
    /* Both ways of writing, and a lock that the caller holds. */
    runtime.image_lock();
    *runtime.int_input[10] = calls;
    runtime.image_unlock();
    runtime.journal_write_int(OPENPLC_INT_MEMORY, 31, calls);
    if (calls > 50 && is("crash")) {
        *(volatile int *)8 = 1;
    }
    while (calls > 50 && is("hang")) {
    }
    if (calls == 50 && is("stop")) {
        runtime.request_plc_stop("in_scan: it is enough");
    }
}

void cycle_end(void) {
    if (*runtime.int_output[1] != calls) {
        *runtime.int_memory[30] = ++differing;
    }
}
