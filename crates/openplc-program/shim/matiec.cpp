// Turns a MatIEC program into the table of openplc_program.h.
//
// Compiled with every program. It knows the generated functions by name and the layout of the image tables, and must not
// depend on the headers that come with a program: those differ between Editors and use names such as BOOL and TIME.
#include "openplc_program.h"
#include "exit_calls.h"
#include "host_calls.h"

#include <stdio.h>
#include <string.h>
#if __has_include(<bits/exception.h>)
#include <bits/exception.h>  // std::exception alone: the whole of <exception> doubles the time to compile this file
#else
#include <exception>
#endif

#ifndef OPENPLC_TASK_NAME
#define OPENPLC_TASK_NAME "plc"
#endif

extern "C" {
// Config0.c
void config_init__(void);
void config_run__(unsigned long tick);
extern unsigned long long common_ticktime__;
extern unsigned long greatest_tick_count__ __attribute__((weak));
// glueVars.c
void glueVars(void);
void updateTime(void);
extern char __CURRENT_TIME[] __attribute__((weak));
typedef void *bits[8];
void setBufferPointers(bits *bool_input, bits *bool_output, void **byte_input, void **byte_output, void **int_input,
                       void **int_output, void **dint_input, void **dint_output, void **lint_input, void **lint_output,
                       void **int_memory, void **dint_memory, void **lint_memory) __attribute__((weak));
void setBufferPointers_v4(bits *bool_input, bits *bool_output, void **byte_input, void **byte_output, void **int_input,
                          void **int_output, void **dint_input, void **dint_output, void **lint_input,
                          void **lint_output, void **int_memory, void **dint_memory, void **lint_memory,
                          bits *bool_memory) __attribute__((weak));
// debug.c
extern char plc_program_md5[33];
uint16_t get_var_count(void);
size_t get_var_size(size_t index);
void *get_var_addr(size_t index);
void set_trace(size_t index, bool forced, void *value);
}

namespace {

enum { SLOTS = 1024 };

bits bool_input[SLOTS], bool_output[SLOTS], bool_memory[SLOTS];
void *byte_input[SLOTS], *byte_output[SLOTS];
void *int_input[SLOTS], *int_output[SLOTS], *int_memory[SLOTS];
void *dint_input[SLOTS], *dint_output[SLOTS], *dint_memory[SLOTS];
void *lint_input[SLOTS], *lint_output[SLOTS], *lint_memory[SLOTS];

// As many as there are places in the tables above.
openplc_located located[3 * 8 * SLOTS + 11 * SLOTS];
uint32_t located_count;

// How TIME lies in memory, which the headers decide: seconds and nanoseconds, both of this many bytes. 0: not known.
uint32_t time_width;

char fault[240];
unsigned long tick;
bool reverse_bytes;

void list_bits(uint8_t area, const bits *table) {
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        for (uint8_t bit = 0; bit < 8; bit++)
            if (table[slot][bit])
                located[located_count++] = {area, 'X', bit, 0, slot, table[slot][bit]};
}

void list_slots(uint8_t area, uint8_t width, void *const *table) {
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        if (table[slot])
            located[located_count++] = {area, width, 0, 0, slot, table[slot]};
}

void list_located() {
    located_count = 0;
    list_bits('I', bool_input);
    list_bits('Q', bool_output);
    list_bits('M', bool_memory);
    list_slots('I', 'B', byte_input);
    list_slots('Q', 'B', byte_output);
    list_slots('I', 'W', int_input);
    list_slots('Q', 'W', int_output);
    list_slots('M', 'W', int_memory);
    list_slots('I', 'D', dint_input);
    list_slots('Q', 'D', dint_output);
    list_slots('M', 'D', dint_memory);
    list_slots('I', 'L', lint_input);
    list_slots('Q', 'L', lint_output);
    list_slots('M', 'L', lint_memory);
}

void hand_over_tables() {
    if (setBufferPointers_v4)
        setBufferPointers_v4(bool_input, bool_output, byte_input, byte_output, int_input, int_output, dint_input,
                             dint_output, lint_input, lint_output, int_memory, dint_memory, lint_memory, bool_memory);
    else if (setBufferPointers)
        setBufferPointers(bool_input, bool_output, byte_input, byte_output, int_input, int_output, dint_input,
                          dint_output, lint_input, lint_output, int_memory, dint_memory, lint_memory);
}

// Finds out where a nanosecond goes.
void learn_time() {
    time_width = 0;
    if (!__CURRENT_TIME)
        return;
    const unsigned long long interval = common_ticktime__;
    common_ticktime__ = 1;
    updateTime();
    common_ticktime__ = interval;
    int32_t narrow[2];
    memcpy(narrow, __CURRENT_TIME, sizeof narrow);
    if (narrow[1] == 1)
        time_width = sizeof(int32_t);
    else if (narrow[0] == 0)
        time_width = sizeof(int64_t);
}

// What TIME is during a scan. updateTime() alone would forget the scans that were skipped, and always begin at 0.
void set_time(uint64_t now_ns) {
    enum { SECOND = 1000000000 };
    if (time_width == sizeof(int32_t)) {
        const int32_t time[] = {static_cast<int32_t>(now_ns / SECOND), static_cast<int32_t>(now_ns % SECOND)};
        memcpy(__CURRENT_TIME, time, sizeof time);
    } else if (time_width == sizeof(int64_t)) {
        const int64_t time[] = {static_cast<int64_t>(now_ns / SECOND), static_cast<int64_t>(now_ns % SECOND)};
        memcpy(__CURRENT_TIME, time, sizeof time);
    }
}

int32_t failed(int32_t code, const char *text) {
    snprintf(fault, sizeof fault, "%s", text);
    return code;
}

template <typename Call> int32_t caught(Call call) {
    try {
        call();
        return OPENPLC_OK;
    } catch (const std::exception &error) {
        return failed(OPENPLC_EXCEPTION, error.what());
    } catch (...) {
        return failed(OPENPLC_EXCEPTION, "an exception that is no std::exception");
    }
}

// Runs `call` and turns a C++ exception of a C/C++ block into a fault, and a call of exit() as well. The C units are
// compiled with -fexceptions, so that an exception finds its way through them.
template <typename Call> int32_t guarded(Call call) {
    if (const char *text = openplc_exit_text())
        return failed(OPENPLC_EXCEPTION, text);
    jmp_buf way_out;
    if (_setjmp(way_out)) {
        openplc_leave();
        return failed(OPENPLC_EXCEPTION, openplc_exit_text());
    }
    openplc_enter(&way_out);
    const int32_t result = caught(call);
    openplc_leave();
    return result;
}

int32_t init(const openplc_host *host);
int32_t run(uint32_t task, uint64_t now_ns);

const char *fault_text() { return fault; }

bool known(uint32_t address) { return address < get_var_count(); }

uint32_t variable_size(uint32_t address) { return known(address) ? static_cast<uint32_t>(get_var_size(address)) : 0; }

uint32_t variable_read(uint32_t address, void *into, uint32_t capacity) {
    const uint32_t size = variable_size(address);
    if (size == 0 || size > capacity)
        return 0;
    const void *value = get_var_addr(address);
    if (!value)
        return 0;
    memcpy(into, value, size);
    return size;
}

void reverse(uint8_t *value, uint32_t size) {
    for (uint32_t low = 0, high = size - 1; low < high; low++, high--) {
        const uint8_t byte = value[low];
        value[low] = value[high];
        value[high] = byte;
    }
}

int32_t variable_force(uint32_t address, uint32_t forced, uint8_t *value, uint32_t length) {
    enum { LARGEST_NUMBER = 8 };
    const uint32_t size = variable_size(address);
    if (size == 0)
        return OPENPLC_OUT_OF_BOUNDS;
    if (forced && length > size)
        return failed(OPENPLC_FAILED, "the value is longer than the variable");
    if (forced && size > LARGEST_NUMBER) {
        // A string: debug.c copies as many characters as the first byte says.
        if (length == 0 || value[0] >= size)
            return failed(OPENPLC_FAILED, "the string is longer than the variable");
    } else if (forced && reverse_bytes) {
        // Done here and not by debug.c, which would also turn round the strings of pointer and output kinds.
        reverse(value, size);
    }
    set_trace(address, forced != 0, value);
    return OPENPLC_OK;
}

void set_byte_order(uint32_t reverse) { reverse_bytes = reverse != 0; }

// As long as nothing is forced, debug.c gives the place of the value itself.
void *variable_storage(uint32_t address) { return variable_size(address) ? get_var_addr(address) : nullptr; }

openplc_task task = {OPENPLC_TASK_NAME, 0, 0, 0};
uint32_t array_length;

openplc_program program = {
    OPENPLC_PROGRAM_ABI, sizeof(openplc_program), OPENPLC_MATIEC, 0, plc_program_md5, init, run, fault_text,
    1, 0, &task, located, 1, 0, &array_length, variable_size, variable_read, variable_force, set_byte_order,
    variable_storage, nullptr, 0,
};

int32_t init(const openplc_host *host) {
    openplc_set_host(host);
    openplc_expect_exit();
    // Lines that a C/C++ block writes by other means than printf shall not wait for a full buffer.
    setvbuf(stdout, nullptr, _IOLBF, 0);
    const int32_t result = guarded([] {
        hand_over_tables();
        config_init__();
        glueVars();
        learn_time();
    });
    if (result != OPENPLC_OK)
        return result;
    list_located();
    tick = 0;
    task.interval_ns = common_ticktime__;
    array_length = get_var_count();
    program.located_count = located_count;
    return OPENPLC_OK;
}

int32_t run(uint32_t task, uint64_t now_ns) {
    if (task != 0)
        return failed(OPENPLC_FAILED, "a MatIEC program has one task, number 0");
    openplc_set_time(now_ns);
    set_time(now_ns);
    const int32_t result = guarded([] {
        config_run__(tick);
        updateTime();
    });
    tick++;
    if (&greatest_tick_count__ && greatest_tick_count__ && tick >= greatest_tick_count__)
        tick = 0;
    return result;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const openplc_program *openplc_program_table(void) {
    return &program;
}
