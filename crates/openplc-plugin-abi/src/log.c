/* The log functions of plugin_runtime_args_t: they take what printf takes. */
#include <stdarg.h>
#include <stdio.h>

#define LONGEST 2048

/* In log.rs. Levels: 0 debug, 1 info, 2 warning, 3 error. */
void openplc_plugin_log_line(int level, const char *line);

static void log_formatted(int level, const char *format, va_list arguments) {
    char line[LONGEST];
    if (format == NULL) {
        return;
    }
    vsnprintf(line, sizeof line, format, arguments);
    openplc_plugin_log_line(level, line);
}

#define LOG_FUNCTION(name, level)              \
    void name(const char *format, ...) {       \
        va_list arguments;                     \
        va_start(arguments, format);           \
        log_formatted(level, format, arguments); \
        va_end(arguments);                     \
    }

LOG_FUNCTION(openplc_plugin_log_debug, 0)
LOG_FUNCTION(openplc_plugin_log_info, 1)
LOG_FUNCTION(openplc_plugin_log_warn, 2)
LOG_FUNCTION(openplc_plugin_log_error, 3)
