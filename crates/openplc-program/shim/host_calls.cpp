// The functions that generated code and C/C++ blocks call, on top of openplc_host: printing, Python blocks, and stand-ins
// for the communication functions.
//
// The link replaces printf, vprintf, puts, putchar and putc of the whole program by the __wrap_ functions below, so that a line
// reaches the runtime's log without a system call on the scan thread.
#include "host_calls.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

namespace {

enum { LINE = 240, LINES_PER_SECOND = 50 };

const openplc_host *host;
uint64_t now_ns;

void log(uint32_t severity, const char *text, size_t length) {
    if (host)
        host->log(host->context, severity, text, static_cast<uint32_t>(length));
}

// Characters printed since the last line feed.
char line[LINE];
size_t line_length;
// A block may print from a thread of its own; whoever comes second loses the text instead of waiting.
bool printing;

uint64_t window_ns;
uint32_t window_lines;
uint32_t dropped;

// Times of different tasks may go back a little; that begins no new window.
bool within_rate() {
    const uint64_t now = __atomic_load_n(&now_ns, __ATOMIC_RELAXED);
    if (now >= window_ns + 1000000000u) {
        window_ns = now;
        window_lines = 0;
        if (dropped) {
            char text[80];
            const int length = snprintf(text, sizeof text, "%u more lines printed by the program were dropped", dropped);
            dropped = 0;
            log(OPENPLC_LOG_WARNING, text, static_cast<size_t>(length));
        }
    }
    if (window_lines++ < LINES_PER_SECOND)
        return true;
    dropped++;
    return false;
}

void end_line() {
    if (line_length && within_rate())
        log(OPENPLC_LOG_INFO, line, line_length);
    line_length = 0;
}

void print(const char *text, size_t length) {
    if (__atomic_test_and_set(&printing, __ATOMIC_ACQUIRE))
        return;
    for (size_t at = 0; at < length; at++) {
        if (text[at] == '\n') {
            end_line();
            continue;
        }
        line[line_length++] = text[at];
        if (line_length == LINE)
            end_line();
    }
    __atomic_clear(&printing, __ATOMIC_RELEASE);
}

// A Python block of one instance. The script's text is a local array of the generated code, but the host needs it for as
// long as the block lives; its address also tells the host one instance from another of the same type.
struct python_instance {
    python_instance *next;
    const void *instance;
    const char *script;
    bool impossible;
    char name[1];
};

// Tasks may add to it at the same time, each its own instances. Nothing is ever taken out before the object is unloaded.
struct python_instance_list {
    python_instance *first;
    ~python_instance_list() {
        while (python_instance *gone = first) {
            first = gone->next;
            __builtin_free(gone);
        }
    }
} python_instances;

python_instance *python_instance_of(const void *instance, const char *name, const char *script) {
    python_instance *newest = __atomic_load_n(&python_instances.first, __ATOMIC_ACQUIRE);
    for (python_instance *known = newest; known; known = known->next)
        if (known->instance == instance)
            return known;
    const size_t name_size = strlen(name) + 1, script_size = strlen(script) + 1;
    auto *created = static_cast<python_instance *>(__builtin_malloc(sizeof(python_instance) + name_size + script_size));
    if (!created)
        return nullptr;
    created->instance = instance;
    created->impossible = false;
    memcpy(created->name, name, name_size);
    created->script = static_cast<char *>(memcpy(created->name + name_size, script, script_size));
    do
        created->next = newest;
    while (!__atomic_compare_exchange_n(&python_instances.first, &newest, created, false, __ATOMIC_RELEASE, __ATOMIC_ACQUIRE));
    return created;
}

bool has_communication() {
    return host && host->size > offsetof(openplc_host, disconnect);
}

uint32_t bounded(size_t length) {
    return length < INT32_MAX ? static_cast<uint32_t>(length) : INT32_MAX;
}

}  // namespace

void openplc_set_host(const openplc_host *given) { host = given; }

void openplc_set_time(uint64_t now) { __atomic_store_n(&now_ns, now, __ATOMIC_RELAXED); }

extern "C" {

int __wrap_vprintf(const char *format, va_list arguments) {
    char text[1024];
    const int length = vsnprintf(text, sizeof text, format, arguments);
    if (length > 0)
        print(text, static_cast<size_t>(length) < sizeof text ? static_cast<size_t>(length) : sizeof text - 1);
    return length;
}

int __wrap_printf(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int length = __wrap_vprintf(format, arguments);
    va_end(arguments);
    return length;
}

int __wrap_puts(const char *text) {
    return __wrap_printf("%s\n", text);
}

int __wrap_putchar(int character) {
    const char text = static_cast<char>(character);
    print(&text, 1);
    return character;
}

// What putchar becomes where the C library inlines it.
int __real_putc(int character, FILE *stream);
int __wrap_putc(int character, FILE *stream) {
    return stream == stdout ? __wrap_putchar(character) : __real_putc(character, stream);
}

// Generated code passes the name on and the host chooses its own, so any will do.
int create_shm_name(char *name, size_t size) {
    snprintf(name, size, "openplc");
    return 0;
}

// python_block_loader() of generated code; python_block.h adds the instance.
int openplc_python_block(const void *instance, const char *script_name, const char *script, char *, size_t input_size,
                         size_t output_size, void **input, void **output, int) {
    python_instance *block = python_instance_of(instance, script_name, script);
    if (host && block && !block->impossible) {
        const int32_t result = host->python_block(host->context, block->name, block->script, input_size, output_size,
                                                  input, output);
        if (result >= 0)
            return 0;
        block->impossible = result == -2;
    }
    return -1;
}

// A program may bring its own.
__attribute__((weak)) int connect_to_tcp_server(uint8_t *address, uint16_t port, int method) {
    if (!has_communication())
        return -1;
    return host->connect(host->context, reinterpret_cast<const char *>(address), port, method);
}
__attribute__((weak)) int send_tcp_message(uint8_t *message, size_t length, int connection) {
    return has_communication() ? host->send(host->context, connection, message, bounded(length)) : -1;
}
__attribute__((weak)) int receive_tcp_message(uint8_t *buffer, size_t length, int connection) {
    return has_communication() ? host->receive(host->context, connection, buffer, bounded(length)) : -1;
}
__attribute__((weak)) int close_tcp_connection(int connection) {
    return has_communication() ? host->disconnect(host->context, connection) : -1;
}
}
