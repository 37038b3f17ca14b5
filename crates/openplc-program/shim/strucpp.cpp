// Turns a STruC++ program into the table of openplc_program.h.
//
// Compiled with every program, against the headers that came with it. Those differ between Editors, so what not all of them
// have is looked for by the compiler: a name that a header lacks is found in the enclosing namespace instead, where a
// stand-in for it lies (see `namespace strucpp` below), and a missing member is noticed by overload resolution.
//
// The headers of the upload come first: nothing of ours shall change what they mean, but for the kind of their locks.
#include "strucpp_locks.h"
#define STRUCPP_V4_DEBUG_EXPORTS_DEFINE
#include "debug_dispatch.hpp"
#include "iec_located.hpp"
#include "iec_std_lib.hpp"
#include "iec_string.hpp"
#include "iec_wstring.hpp"
// Newer generators take away macros that have the name of a variable, in units that say that they are theirs.
#define STRUCPP_GENERATED_TU
#include "generated.hpp"

#include "openplc_program.h"
#include "exit_calls.h"
#include "host_calls.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <type_traits>
#include <utility>

// generated_debug.cpp takes addresses inside it, so it must be this object with external linkage.
strucpp::Configuration_CONFIG0 g_config;

// In strucpp_identity.cpp, apart from all that does not change with every upload.
extern "C" const char openplc_program_md5[];

// In configuration.cpp of programs whose generator tells which located variables are global. Newer generators also have a
// lock for each of them.
extern "C" {
void *const *strucpp_get_located_globals(void) __attribute__((weak));
uint32_t strucpp_get_located_global_count(void) __attribute__((weak));
}

// What headers may lack. Code inside the inner namespaces finds their own names first.
namespace strucpp {
constexpr uint8_t LEAF_FLAG_READONLY = 0;
constexpr uint8_t LEAF_FLAG_INDIRECT = 0;

namespace debug {
constexpr uint8_t openplc_constant = LEAF_FLAG_READONLY;
constexpr uint8_t openplc_indirect = LEAF_FLAG_INDIRECT;
}  // namespace debug
}  // namespace strucpp

namespace {

using strucpp::ProgramBase;
using strucpp::TaskInstance;

enum { MAX_TASKS = 64, MAX_ARRAYS = 255 };
constexpr uint64_t DEFAULT_INTERVAL_NS = 20000000;

// Answers of strucpp_debug_set.
constexpr uint8_t DONE = 0x7E, UNKNOWN = 0x81, LENGTH = 0x82, CONSTANT = 0x87;

// --- What this version of the headers has -----------------------------------------------------------------------------

struct second {};
struct first : second {};

template <typename P> auto has_located_range(first) -> decltype(&P::located_range, std::true_type());
template <typename> std::false_type has_located_range(second);
template <typename P> auto has_synchronisation(first) -> decltype(&P::sync_in, &P::sync_out, std::true_type());
template <typename> std::false_type has_synchronisation(second);
// Only programs that may be executed at the same time tell which located variables are theirs alone.
constexpr bool concurrent = decltype(has_located_range<ProgramBase>(first()))::value;
// Copies of global variables that each program has for itself.
constexpr bool synchronised = decltype(has_synchronisation<ProgramBase>(first()))::value;

template <typename P> auto bind(P &program, first) -> decltype(program.bind_located_vars(), void()) {
    program.bind_located_vars();
}
template <typename P> void bind(P &, second) {}

template <typename P> void located_range(const P &program, uint32_t *start, uint32_t *count, first,
                                         decltype(&P::located_range) * = nullptr) {
    program.located_range(start, count);
}
template <typename P> void located_range(const P &, uint32_t *, uint32_t *, second) {}

template <typename P> auto copy_globals_in(P &program, first) -> decltype(program.sync_in(), void()) { program.sync_in(); }
template <typename P> void copy_globals_in(P &, second) {}
template <typename P> auto copy_globals_out(P &program, first) -> decltype(program.sync_out(), void()) {
    program.sync_out();
}
template <typename P> void copy_globals_out(P &, second) {}

template <typename E> auto flags_of(const E &entry, first) -> decltype(static_cast<uint8_t>(entry.flags)) {
    return entry.flags;
}
template <typename E> uint8_t flags_of(const E &, second) { return 0; }

// --- Strings -----------------------------------------------------------------------------------------------------------

#include "strucpp_strings.h"

}  // namespace

// The list is written as the table is, and so lies in its namespace.
namespace strucpp {
namespace debug {
static const listed_string listed_strings[] = {
#ifdef OPENPLC_STRINGS
#include OPENPLC_STRINGS
#endif
    {0xFFFFFFFF, 0, nullptr, nullptr, nullptr},
};
}  // namespace debug
}  // namespace strucpp

namespace {

// The string with this address, where the list has it.
const listed_string *string_at(uint32_t address) {
    const auto *begin = strucpp::debug::listed_strings, *end = begin + sizeof strucpp::debug::listed_strings / sizeof *begin;
    const auto *found = std::lower_bound(
        begin, end, address, [](const listed_string &listed, uint32_t wanted) { return listed.address < wanted; });
    return found->address == address && found->read ? found : nullptr;
}

// --- Faults ------------------------------------------------------------------------------------------------------------

thread_local char fault[240];

int32_t failed(int32_t code, const char *text) {
    snprintf(fault, sizeof fault, "%s", text);
    return code;
}

template <typename Call> int32_t caught(Call call) {
    try {
        return call();
    } catch (const std::exception &error) {
        return failed(OPENPLC_EXCEPTION, error.what());
    } catch (...) {
        return failed(OPENPLC_EXCEPTION, "an exception that is no std::exception");
    }
}

// Runs `call` and turns a C++ exception (an index out of its array, a reference to nothing, one of a C/C++ block) into a
// fault, and a call of exit() as well.
template <typename Call> int32_t guarded(Call call) {
    if (const char *text = openplc_exit_text())
        return failed(OPENPLC_EXCEPTION, text);
    jmp_buf way_out;
    if (_setjmp(way_out)) {
        openplc_leave();
        openplc_lock::unlock_all();
        return failed(OPENPLC_EXCEPTION, openplc_exit_text());
    }
    openplc_enter(&way_out);
    const int32_t result = caught(call);
    openplc_leave();
    return result;
}

// --- Tasks -------------------------------------------------------------------------------------------------------------

openplc_task tasks[MAX_TASKS];
const TaskInstance *instances[MAX_TASKS];
uint32_t task_count;

// Held while programs exchange their copies of global variables, and for the whole of a scan where the headers do not
// expect that tasks are executed at the same time.
openplc_lock globals;

struct hold_globals {
    explicit hold_globals(bool wanted) : held_(wanted && task_count > 1) {
        if (held_)
            globals.lock();
    }
    ~hold_globals() {
        if (held_)
            globals.unlock();
    }
    const bool held_;
};

template <typename Visit> void each_program(Visit visit) {
    strucpp::ResourceInstance *resources = g_config.get_resources();
    for (size_t resource = 0; resource < g_config.get_resource_count(); resource++)
        for (size_t task = 0; task < resources[resource].task_count; task++)
            for (size_t program = 0; program < resources[resource].tasks[task].program_count; program++)
                if (ProgramBase *instance = resources[resource].tasks[task].programs[program])
                    visit(*instance);
}

int32_t list_tasks() {
    strucpp::ResourceInstance *resources = g_config.get_resources();
    task_count = 0;
    for (size_t resource = 0; resource < g_config.get_resource_count(); resource++) {
        for (size_t number = 0; number < resources[resource].task_count; number++) {
            const TaskInstance &task = resources[resource].tasks[number];
            if (task.program_count == 0)
                continue;
            if (task_count == MAX_TASKS)
                return failed(OPENPLC_FAILED, "the program has more than 64 tasks");
            instances[task_count] = &task;
            tasks[task_count++] = {
                task.name ? task.name : "task",
                task.interval_ns > 0 ? static_cast<uint64_t>(task.interval_ns) : DEFAULT_INTERVAL_NS,
                task.priority > 0 ? static_cast<uint32_t>(task.priority) : 0,
                0,
            };
        }
    }
    if (task_count == 0)
        return failed(OPENPLC_FAILED, "the program has no task that executes a program: add a task and a program instance "
                                      "to the resource");
    return OPENPLC_OK;
}

// --- Located variables -------------------------------------------------------------------------------------------------

openplc_located *located;
uint32_t located_count;

bool is_global(const void *value) {
    if (!strucpp_get_located_globals || !strucpp_get_located_global_count)
        return false;
    void *const *list = strucpp_get_located_globals();
    for (uint32_t number = 0; list && number < strucpp_get_located_global_count(); number++)
        if (list[number] == value)
            return true;
    return false;
}

// Whether the variable lies in this program: programs lie in the configuration, each up to where the next one begins.
bool lies_in(const ProgramBase &program, const void *value) {
    const auto address = [](const void *place) { return reinterpret_cast<uintptr_t>(place); };
    uintptr_t end = address(&g_config + 1);
    each_program([&](const ProgramBase &other) {
        if (address(&other) > address(&program) && address(&other) < end)
            end = address(&other);
    });
    return address(value) >= address(&program) && address(value) < end;
}

// 1 + number of the task whose programs alone have the variable with this number; 0 for a global one.
uint8_t task_of(uint32_t number) {
    const void *value = strucpp::locatedVars[number].pointer;
    if (is_global(value))
        return 0;
    for (uint32_t task = 0; task < task_count; task++) {
        for (size_t program = 0; program < instances[task]->program_count; program++) {
            const ProgramBase *instance = instances[task]->programs[program];
            if (!instance)
                continue;
            uint32_t start = 0, count = 0;
            located_range(*instance, &start, &count, first());
            const bool own = concurrent ? number - start < count : lies_in(*instance, value);
            if (own)
                return static_cast<uint8_t>(task + 1);
        }
    }
    return 0;
}

int32_t list_located() {
    static const char areas[] = {'I', 'Q', 'M'}, widths[] = {'X', 'B', 'W', 'D', 'L'};
    const uint32_t count = strucpp::locatedVarsCount;
    located_count = 0;
    if (count == 0)
        return OPENPLC_OK;
    located = static_cast<openplc_located *>(__builtin_calloc(count, sizeof(openplc_located)));
    if (!located)
        return failed(OPENPLC_FAILED, "there is no memory for the list of located variables");
    for (uint32_t number = 0; number < count; number++) {
        const auto &variable = strucpp::locatedVars[number];
        const auto area = static_cast<size_t>(variable.area), width = static_cast<size_t>(variable.size);
        if (!variable.pointer)
            continue;  // a variable whose program has no instance
        if (area >= sizeof areas || width >= sizeof widths)
            return failed(OPENPLC_FAILED, "a located variable has an area or a width that does not exist");
        located[located_count++] = {static_cast<uint8_t>(areas[area]), static_cast<uint8_t>(widths[width]),
                                    static_cast<uint8_t>(width == 0 ? variable.bit_index : 0), task_of(number),
                                    variable.byte_index, variable.pointer};
    }
    return OPENPLC_OK;
}

// --- Debug variables ---------------------------------------------------------------------------------------------------

uint32_t array_lengths[MAX_ARRAYS];

uint8_t array_of(uint32_t address) { return static_cast<uint8_t>(address >> 16); }
uint16_t element_of(uint32_t address) { return static_cast<uint16_t>(address); }

strucpp::debug::Entry entry_at(uint32_t address) {
    return strucpp::debug::read_entry(array_of(address), element_of(address));
}

uint32_t variable_size(uint32_t address) { return strucpp_debug_size(array_of(address), element_of(address)); }

uint32_t variable_read(uint32_t address, void *into, uint32_t capacity) {
    const uint32_t size = variable_size(address);
    if (size == 0 || size > capacity)
        return 0;
    if (const listed_string *listed = string_at(address)) {
        listed->read(entry_at(address).ptr, static_cast<uint8_t *>(into));
        return size;
    }
    return strucpp_debug_read(array_of(address), element_of(address), static_cast<uint8_t *>(into));
}

int32_t force_string(const listed_string &listed, uint32_t forced, const uint8_t *value, uint32_t length) {
    const auto entry = entry_at(listed.address);
    const uint32_t width = entry.tag == strucpp::debug::TAG_WSTRING ? 2 : 1;
    if (flags_of(entry, first()) & strucpp::debug::openplc_constant)
        return OPENPLC_READ_ONLY;
    if (!forced)
        listed.release(entry.ptr);
    else if (length == 0 || value[0] > 126 || length < 1 + value[0] * width)
        return OPENPLC_WRONG_LENGTH;
    else
        listed.force(entry.ptr, value);
    return OPENPLC_OK;
}

int32_t variable_force(uint32_t address, uint32_t forced, uint8_t *value, uint32_t length) {
    if (const listed_string *listed = string_at(address))
        return force_string(*listed, forced, value, length);
    // `value` has 256 bytes, so that a shorter string may count as one of full length, as older headers demand.
    const uint32_t size = variable_size(address);
    const bool text = size > sizeof(uint64_t);
    if (forced && text && length > 0 && length < size)
        length = size;
    switch (strucpp_debug_set(array_of(address), element_of(address), forced != 0, value, static_cast<uint16_t>(length))) {
    case DONE: return OPENPLC_OK;
    case UNKNOWN: return OPENPLC_OUT_OF_BOUNDS;
    case LENGTH: return OPENPLC_WRONG_LENGTH;
    case CONSTANT: return OPENPLC_READ_ONLY;
    default: return failed(OPENPLC_FAILED, "the variable cannot be forced");
    }
}

// Numbers of this generation come in the machine's byte order.
void set_byte_order(uint32_t) {}

void *variable_storage(uint32_t address) {
    const auto entry = entry_at(address);
    // What a parameter refers to changes with each call.
    if (flags_of(entry, first()) & strucpp::debug::openplc_indirect)
        return nullptr;
    return entry.ptr;
}

uint32_t variable_storage_size(uint32_t address) {
    const auto entry = entry_at(address);
    if (!entry.ptr)
        return 0;
    if (const listed_string *listed = string_at(address))
        return listed->stored_size;
    return is_string(entry) ? stored_string_size(entry) : variable_size(address);
}

// --- The table ---------------------------------------------------------------------------------------------------------

int32_t init(const openplc_host *host);
int32_t run(uint32_t task, uint64_t now_ns);

const char *fault_text() { return fault; }

openplc_program program = {
    OPENPLC_PROGRAM_ABI, sizeof(openplc_program), OPENPLC_STRUCPP, 0, openplc_program_md5, init, run, fault_text,
    0, 0, tasks, nullptr, 0, 0, array_lengths, variable_size, variable_read, variable_force, set_byte_order,
    variable_storage, variable_storage_size, 0,
};

int32_t init(const openplc_host *host) {
    openplc_set_host(host);
    openplc_expect_exit();
    // Lines that a C/C++ block writes by other means than printf shall not wait for a full buffer.
    setvbuf(stdout, nullptr, _IOLBF, 0);
    const int32_t result = guarded([] {
        each_program([](ProgramBase &instance) { bind(instance, first()); });
        const int32_t listed = list_tasks();
        return listed == OPENPLC_OK ? list_located() : listed;
    });
    if (result != OPENPLC_OK)
        return result;
    const uint32_t arrays = strucpp_debug_array_count();
    for (uint32_t array = 0; array < arrays && array < MAX_ARRAYS; array++)
        array_lengths[array] = strucpp_debug_elem_count(static_cast<uint8_t>(array));
    program.task_count = task_count;
    program.located_count = located_count;
    program.located = located;
    program.array_count = arrays;
    program.string_layout = string_layout();
    return OPENPLC_OK;
}

int32_t run(uint32_t task, uint64_t now_ns) {
    if (task >= task_count)
        return failed(OPENPLC_FAILED, "there is no such task");
    openplc_set_time(now_ns);
    return guarded([task, now_ns] {
        const hold_globals whole_scan(!concurrent);
        // TIME() stays the same during the scan.
        strucpp::__CURRENT_TIME_NS = static_cast<decltype(strucpp::__CURRENT_TIME_NS)>(now_ns);
        for (size_t number = 0; number < instances[task]->program_count; number++) {
            ProgramBase *instance = instances[task]->programs[number];
            if (!instance)
                continue;
            if (concurrent && synchronised) {
                const hold_globals copying(true);
                copy_globals_in(*instance, first());
            }
            instance->run();
            if (concurrent && synchronised) {
                const hold_globals copying(true);
                copy_globals_out(*instance, first());
            }
        }
        return static_cast<int32_t>(OPENPLC_OK);
    });
}

__attribute__((destructor)) void release() { __builtin_free(located); }

}  // namespace

extern "C" __attribute__((visibility("default"))) const openplc_program *openplc_program_table(void) {
    return &program;
}
