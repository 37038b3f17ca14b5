/* The C interface of OpenPLC Runtime to its plugins.
 *
 * A native plugin is a shared object that exports `init` and what else it wants of the functions at the end. It is run by
 * openplc-plugin-host(8) in a process of its own. This is what OpenPLC Runtime v4 hands to its plugins, in its newest layout;
 * with OPENPLC_PLUGIN_LAYOUT_2026_01 defined, in that of January 2026. plugins.conf says which one a plugin wants.
 *
 * Read between image_lock and image_unlock, which takes microseconds: copy what you need, then do slow work. Write by the
 * journal_write functions, at any time; what is changed in the tables while they are locked is written, too. Writes take effect
 * together with the next scan, and are read back at once. */
#ifndef OPENPLC_PLUGIN_H
#define OPENPLC_PLUGIN_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uint8_t IEC_BOOL;
typedef uint8_t IEC_BYTE;
typedef uint16_t IEC_UINT;
typedef uint32_t IEC_UDINT;
typedef uint64_t IEC_ULINT;

/* `type` of the journal_write functions. */
enum openplc_table {
    OPENPLC_BOOL_INPUT = 0,   /* %IX */
    OPENPLC_BOOL_OUTPUT = 1,  /* %QX */
    OPENPLC_BOOL_MEMORY = 2,  /* %MX */
    OPENPLC_BYTE_INPUT = 3,   /* %IB */
    OPENPLC_BYTE_OUTPUT = 4,  /* %QB */
    OPENPLC_INT_INPUT = 5,    /* %IW */
    OPENPLC_INT_OUTPUT = 6,   /* %QW */
    OPENPLC_INT_MEMORY = 7,   /* %MW */
    OPENPLC_DINT_INPUT = 8,   /* %ID */
    OPENPLC_DINT_OUTPUT = 9,  /* %QD */
    OPENPLC_DINT_MEMORY = 10, /* %MD */
    OPENPLC_LINT_INPUT = 11,  /* %IL */
    OPENPLC_LINT_OUTPUT = 12, /* %QL */
    OPENPLC_LINT_MEMORY = 13  /* %ML */
};

/* Copy it in `init`: the pointer need not last. */
typedef struct {
    /* Pointers to each value: *int_output[3] is %QW3, *bool_input[0][7] is %IX0.7. */
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
#ifdef OPENPLC_PLUGIN_LAYOUT_2026_01
    /* With buffer_mutex they do what image_lock and image_unlock do; they return 0. */
    int (*mutex_take)(pthread_mutex_t *mutex);
    int (*mutex_give)(pthread_mutex_t *mutex);
    pthread_mutex_t *buffer_mutex;
    /* There are no variables to be had by them. */
    void (*get_var_list)(size_t count, size_t *indexes, void **addresses);
    size_t (*get_var_size)(size_t index);
    uint16_t (*get_var_count)(void);
#else
    void (*image_lock)(void);
    void (*image_unlock)(void);
    /* There are no variables to be had by them: what a plugin shares with a program is located. */
    uint8_t (*debug_array_count)(void);
    uint16_t (*debug_elem_count)(uint8_t array);
    uint16_t (*debug_size)(uint8_t array, uint16_t element);
    uint16_t (*debug_read)(uint8_t array, uint16_t element, uint8_t *into);
    uint8_t (*debug_set)(uint8_t array, uint16_t element, bool forced, const uint8_t *bytes, uint16_t length);
    uint8_t (*debug_write)(uint8_t array, uint16_t element, const uint8_t *bytes, uint16_t length);
#endif
    char plugin_specific_config_file_path[256];
    /* Slots of every table, and bits of a slot: 8. */
    int buffer_size;
    int bits_per_buffer;
    /* As printf; without a final newline. */
    void (*log_info)(const char *format, ...);
    void (*log_debug)(const char *format, ...);
    void (*log_warn)(const char *format, ...);
    void (*log_error)(const char *format, ...);
    /* 0, or -1 where there is no such place, the journal is full or the scan engine is away. */
    int (*journal_write_bool)(int type, int index, int bit, int value);
    int (*journal_write_byte)(int type, int index, int value);
    int (*journal_write_int)(int type, int index, int value);
    int (*journal_write_dint)(int type, int index, unsigned int value);
    int (*journal_write_lint)(int type, int index, unsigned long long value);
#ifndef OPENPLC_PLUGIN_LAYOUT_2026_01
    /* Asks for it; the reason is logged. */
    void (*request_plc_stop)(const char *reason);
    /* Time between scans when the plugin started, in ns; 0 where it was not known. */
    unsigned long long base_tick_ns;
    void (*request_plc_start)(const char *reason);
    /* Logged, and nothing else: 0 stop, 1 run. */
    void (*set_switch_position)(int position);
    /* 0 stopped, 1 running, 2 error. */
    int (*get_plc_state)(void);
#endif
} plugin_runtime_args_t;

/* What a native plugin exports; everything but `init` is optional. */

/* 0 is success; anything else ends the plugin, which is started again later. */
int init(void *arguments);
/* Begins to work, on threads of its own; 0 is success. */
int start_loop(void);
/* Ends what start_loop has begun. Outputs have their safe values now: send them to your devices once more. */
void stop_loop(void);
void cleanup(void);
/* Called with the tables locked, for each published scan that the plugin's process comes to see; within each scan where the administrator
 * has put the plugin there (core.toml). */
void cycle_start(void);
void cycle_end(void);
/* A command {"command": …, "params": …}; the response is a JSON document. Called on threads of their own. */
int execute_command(const char *json, char *response, size_t size);
/* Figures {"label": …, "fields": [{"label": …, "value": …, "unit": …}]}, asked for each second. */
int get_stats(char *response, size_t size);

/* libopenplc_plugin.so, for interpreters and programs that want the same without the host. The process becomes the plugin. */

/* Logs, attaches and waits for the scan engine; once, while the process has one thread. `layout`: 0 the newest, 1 that of January
 * 2026. Returns 0; 1 where the plugin has no configuration, so that there is nothing to do; -1 on failure, which is logged. */
int openplc_plugin_open(const char *name, int layout);
/* The plugin_runtime_args_t, for the life of the process; null before. */
void *openplc_plugin_arguments(void);
/* Waits until it is time to end, for so long at most. Returns 0 when it is not, 1 when it is, and 2 when the plugin has to start anew
 * because the image has another size. A plugin that has not ended five seconds later is ended. */
int openplc_plugin_wait_until_leaving(int milliseconds);
/* Figures as of get_stats; -1 where they are no JSON. */
int openplc_plugin_set_statistics(const char *json);
/* What went wrong, for people. */
void openplc_plugin_report_failure(const char *message);
/* Sends what waits, and leaves. */
void openplc_plugin_close(void);

#ifdef __cplusplus
}
#endif

#endif
