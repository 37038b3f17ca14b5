/* A native plugin as one writes it for OpenPLC Runtime v4: it copies %QW0 to %IW10 through the journal, counts its cycles in %MW20 by
 * writing to the image directly, and answers commands. Compiled twice, for both layouts of the structure. */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef uint8_t IEC_BOOL;
typedef uint8_t IEC_BYTE;
typedef uint16_t IEC_UINT;
typedef uint32_t IEC_UDINT;
typedef uint64_t IEC_ULINT;

typedef struct {
    IEC_BOOL *(*bool_input)[8];
    IEC_BOOL *(*bool_output)[8];
    IEC_BYTE **byte_input;
    IEC_BYTE **byte_output;
    IEC_UINT **int_input;
    IEC_UINT **int_output;
    IEC_UDINT **dint_input;
    IEC_UDINT **dint_output;
    IEC_ULINT **lint_input;
    IEC_ULINT **lint_output;
    IEC_UINT **int_memory;
    IEC_UDINT **dint_memory;
    IEC_ULINT **lint_memory;
    IEC_BOOL *(*bool_memory)[8];
#ifdef LAYOUT_2026_01
    int (*mutex_take)(pthread_mutex_t *mutex);
    int (*mutex_give)(pthread_mutex_t *mutex);
    pthread_mutex_t *buffer_mutex;
    void (*get_var_list)(size_t num_vars, size_t *indexes, void **result);
    size_t (*get_var_size)(size_t index);
    uint16_t (*get_var_count)(void);
#else
    void (*image_lock)(void);
    void (*image_unlock)(void);
    uint8_t (*debug_array_count)(void);
    uint16_t (*debug_elem_count)(uint8_t array);
    uint16_t (*debug_size)(uint8_t array, uint16_t element);
    uint16_t (*debug_read)(uint8_t array, uint16_t element, uint8_t *into);
    uint8_t (*debug_set)(uint8_t array, uint16_t element, bool forced, const uint8_t *bytes, uint16_t length);
    uint8_t (*debug_write)(uint8_t array, uint16_t element, const uint8_t *bytes, uint16_t length);
#endif
    char plugin_specific_config_file_path[256];
    int buffer_size;
    int bits_per_buffer;
    void (*log_info)(const char *format, ...);
    void (*log_debug)(const char *format, ...);
    void (*log_warn)(const char *format, ...);
    void (*log_error)(const char *format, ...);
    int (*journal_write_bool)(int type, int index, int bit, int value);
    int (*journal_write_byte)(int type, int index, int value);
    int (*journal_write_int)(int type, int index, int value);
    int (*journal_write_dint)(int type, int index, unsigned int value);
    int (*journal_write_lint)(int type, int index, unsigned long long value);
#ifndef LAYOUT_2026_01
    void (*request_plc_stop)(const char *reason);
    unsigned long long base_tick_ns;
    void (*request_plc_start)(const char *reason);
    void (*set_switch_position)(int position);
    int (*get_plc_state)(void);
#endif
} plugin_runtime_args_t;

#define INT_INPUT 5

static plugin_runtime_args_t runtime;
static pthread_t thread;
static volatile int stopping;
static volatile unsigned cycles;

static void lock(void) {
#ifdef LAYOUT_2026_01
    runtime.mutex_take(runtime.buffer_mutex);
#else
    runtime.image_lock();
#endif
}

static void unlock(void) {
#ifdef LAYOUT_2026_01
    runtime.mutex_give(runtime.buffer_mutex);
#else
    runtime.image_unlock();
#endif
}

static void *work(void *unused) {
    (void)unused;
    while (!stopping) {
        lock();
        IEC_UINT output = *runtime.int_output[0];
        unlock();
        if (runtime.journal_write_int(INT_INPUT, 10, output) != 0) {
            runtime.log_warn("the journal took nothing");
        }
        usleep(2000);
    }
    return NULL;
}

int init(void *arguments) {
    memcpy(&runtime, arguments, sizeof runtime);
    FILE *file = fopen(runtime.plugin_specific_config_file_path, "r");
    char text[256] = "";
    if (file != NULL) {
        size_t length = fread(text, 1, sizeof text - 1, file);
        text[length] = 0;
        fclose(file);
    }
    runtime.log_info("configured: %s, %d slots, %d bits", text, runtime.buffer_size, runtime.bits_per_buffer);
    if (strstr(text, "refuse") != NULL) {
        return -1;
    }
    if (strstr(text, "crash") != NULL) {
        abort();
    }
    return 0;
}

int start_loop(void) {
    stopping = 0;
    return pthread_create(&thread, NULL, work, NULL);
}

void stop_loop(void) {
    stopping = 1;
    pthread_join(thread, NULL);
    runtime.log_info("loop stopped");
}

void cleanup(void) {
    runtime.log_info("cleaned up");
}

void cycle_start(void) {
    lock();
    *runtime.int_memory[20] = (IEC_UINT)++cycles;
    unlock();
}

int execute_command(const char *json, char *response, size_t size) {
#ifndef LAYOUT_2026_01
    if (strstr(json, "\"stop\"") != NULL) {
        runtime.request_plc_stop("the test asked for it");
    }
#endif
    snprintf(response, size, "{\"heard\": %s, \"cycles\": %u}", json, cycles);
    return 0;
}

int get_stats(char *response, size_t size) {
    snprintf(response, size, "{\"label\": \"C plugin\", \"fields\": [{\"label\": \"Cycles\", \"value\": %u}]}", cycles);
    return 0;
}
