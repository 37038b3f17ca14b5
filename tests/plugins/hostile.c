/* A native plugin that does what its configuration says: hang, flood, crash, eat memory. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "openplc_plugin.h"

static plugin_runtime_args_t runtime;
static char mode[256];

static int is(const char *word) {
    return strstr(mode, word) != NULL;
}

static void *work(void *unused) {
    (void)unused;
    unsigned count = 0;
    if (is("hang")) {
        runtime.image_lock();
        runtime.log_warn("hanging");
        for (;;) {
            pause();
        }
    }
    if (is("holes")) {
        /* What would have the scan engine wait for new pages. */
        for (int fd = 3; fd < 64; fd++) {
            if (syscall(SYS_fallocate, fd, 3, 0, 4096) == 0) {
                runtime.log_error("a hole was made in descriptor %d", fd);
            }
        }
        runtime.log_info("no more holes");
    }
    if (is("eat")) {
        size_t chunk = 16 << 20, chunks = 0;
        for (char *memory; (memory = malloc(chunk)) != NULL; chunks++) {
            memset(memory, 1, is("all") ? chunk : 1);
        }
        runtime.log_error("no more memory after %zu MiB", chunks * 16);
    }
    while (is("flood")) {
        count++;
        runtime.journal_write_int(OPENPLC_INT_INPUT, count % 1024, count & 0x7FFF);
        if (is("logs")) {
            runtime.log_info("line %u of a flood", count);
        }
    }
    return NULL;
}

int init(void *arguments) {
    memcpy(&runtime, arguments, sizeof runtime);
    FILE *file = fopen(runtime.plugin_specific_config_file_path, "r");
    if (file == NULL) {
        return -1;
    }
    size_t length = fread(mode, 1, sizeof mode - 1, file);
    mode[length] = 0;
    fclose(file);
    if (is("crash")) {
        abort();
    }
    return 0;
}

int start_loop(void) {
    pthread_t thread;
    for (int number = 0; number < 4; number++) {
        pthread_create(&thread, NULL, work, NULL);
    }
    return 0;
}

void stop_loop(void) {
    while (is("hang")) {
        pause();
    }
}
