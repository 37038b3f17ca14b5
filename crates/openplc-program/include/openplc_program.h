/* Flat program ABI of OpenPLC Runtime: the one interface between the scan engine and a built PLC program.
 *
 * A shim is compiled with every program. It knows the generation of the sources (MatIEC or STruC++) and turns them into
 * the table below; the scan engine knows only this table. docs/program-abi.md explains the calling rules.
 *
 * Structures grow at their end only: a reader takes no more than `size` bytes. `abi` changes when that is not enough.
 */
#ifndef OPENPLC_PROGRAM_H
#define OPENPLC_PROGRAM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define OPENPLC_PROGRAM_ABI 1u

/* Severities of openplc_host.log. */
enum { OPENPLC_LOG_DEBUG = 0, OPENPLC_LOG_INFO = 1, OPENPLC_LOG_WARNING = 2, OPENPLC_LOG_ERROR = 3 };

/* Values of openplc_program.generation. */
enum { OPENPLC_MATIEC = 1, OPENPLC_STRUCPP = 2 };

/* Results of init, run and force. A reader takes numbers that it does not know for OPENPLC_FAILED. */
enum {
    OPENPLC_OK = 0,
    OPENPLC_EXCEPTION = 1,      /* a C++ exception left the program; fault_text says which */
    OPENPLC_OUT_OF_BOUNDS = 2,  /* no variable has this address */
    OPENPLC_FAILED = 3,         /* anything else; fault_text says what */
    OPENPLC_WRONG_LENGTH = 4,   /* the value is too short or too long for the variable */
    OPENPLC_READ_ONLY = 5       /* the variable is a constant, or has no place for a forced value */
};

/* What the program may call. Every function may be called from a scan thread: none blocks, allocates or enters the
 * kernel. `context` is passed back as it is. */
typedef struct openplc_host {
    uint32_t abi;   /* OPENPLC_PROGRAM_ABI */
    uint32_t size;  /* sizeof(openplc_host) of the host */
    void *context;
    /* Adds a line to the runtime's log. `text` need not end with NUL; it is copied, cut at 240 bytes. Dropped and counted
     * when the log's queue is full. */
    void (*log)(void *context, uint32_t severity, const char *text, uint32_t length);
    /* Asks for a Python block: its script (name and template, which must stay valid while the program is loaded) and the
     * sizes of its input and output areas in bytes. Each instance of a block has a template of its own, whose address stays
     * the same however often it asks. 0: it runs, *input and *output are set. -1: not yet, ask again in the
     * next scan. -2: it can never run; the reason has been logged. */
    int32_t (*python_block)(void *context, const char *script_name, const char *script_template, uint64_t input_size,
                            uint64_t output_size, void **input, void **output);

    /* From here on absent in hosts of an older version: see `size`. */

    /* Connections of communication blocks. `address` is a dotted IPv4 address that ends with NUL, `method` 0 for TCP and 1 for
     * UDP. Returns the connection's number, the same for every call until it is closed, while it is being made in the
     * background; -1 when it failed, or there are too many. */
    int32_t (*connect)(void *context, const char *address, uint16_t port, int32_t method);
    /* Returns how many bytes were taken, of a datagram all; -1 when there is no room now, or no such connection. */
    int32_t (*send)(void *context, int32_t connection, const void *bytes, uint32_t length);
    /* Returns how many bytes were received, at most `length`; 0 when the other side has ended the connection; -1 when there
     * is nothing now, or no such connection. */
    int32_t (*receive)(void *context, int32_t connection, void *bytes, uint32_t length);
    /* 0, or -1 when there is no such connection. */
    int32_t (*disconnect)(void *context, int32_t connection);
} openplc_host;

/* An IEC task. */
typedef struct openplc_task {
    const char *name;
    uint64_t interval_ns;
    uint32_t priority;  /* IEC: 0 is the highest */
    uint32_t reserved;
} openplc_task;

/* A located variable. */
typedef struct openplc_located {
    uint8_t area;   /* 'I', 'Q' or 'M' */
    uint8_t width;  /* 'X', 'B', 'W', 'D' or 'L' */
    uint8_t bit;    /* 0 to 7 for 'X', else 0 */
    uint8_t task;   /* 1 + number of the one task that uses it; 0: of the only task, or of several */
    uint32_t slot;  /* element of the table of this area and width */
    void *value;    /* the program's storage: 1, 1, 2, 4 or 8 bytes */
} openplc_located;

/* A debug address is array << 16 | element. A MatIEC program has one array whose elements are the entries of debug.c. */
typedef struct openplc_program {
    uint32_t abi;   /* OPENPLC_PROGRAM_ABI */
    uint32_t size;  /* sizeof(openplc_program) of the program */
    uint32_t generation;
    uint32_t reserved;
    const char *md5;  /* 32 hexadecimal digits */

    /* Called once, first, and not from a scan thread. Sets every variable to its initial value and fills in the counts
     * and lists below. `host` stays valid while the program is loaded. */
    int32_t (*init)(const openplc_host *host);
    /* Executes one scan of one task at `now_ns` after the program's start. Different tasks may be executed at the same time,
     * each on a thread of its own; the caller sees to it that no other function of this table but fault_text is executed
     * meanwhile. */
    int32_t (*run)(uint32_t task, uint64_t now_ns);
    /* The text that belongs to the last OPENPLC_EXCEPTION or OPENPLC_FAILED on the calling thread; never NULL. */
    const char *(*fault_text)(void);

    uint32_t task_count;
    uint32_t located_count;
    const openplc_task *tasks;
    const openplc_located *located;

    /* Debug arrays, and their lengths. */
    uint32_t array_count;
    uint32_t reserved2;
    const uint32_t *array_lengths;
    /* Size of a variable in bytes; 0 for none. */
    uint32_t (*variable_size)(uint32_t address);
    /* Copies a variable (its forced value while it is forced) in the machine's byte order and returns its size, or 0 when
     * there is none or `capacity` is too small. */
    uint32_t (*variable_read)(uint32_t address, void *into, uint32_t capacity);
    /* Forces a variable to the value (`forced` not 0) or releases it. `value` has at least 256 bytes, is in the byte order
     * that set_byte_order chose, and may be changed by the call. */
    int32_t (*variable_force)(uint32_t address, uint32_t forced, uint8_t *value, uint32_t length);
    /* Chooses the byte order of values given to variable_force: 0 the machine's, 1 the reverse. */
    void (*set_byte_order)(uint32_t reverse);

    /* From here on absent in programs that an older version has built: see `size`. */

    /* Where a variable's own value lies: what the program computes with, never a forced copy of it. Asked after init and
     * before anything is forced; the place stays the same until the object is unloaded. NULL when there is no such
     * variable. What lies there may be read and written only while no other function of this table is executed. */
    void *(*variable_storage)(uint32_t address);

    /* From here on absent in programs that an older version has built. */

    /* Bytes at variable_storage: for strings others than variable_read gives. 0 when they must not be copied. The function may
     * be NULL: then they are those of variable_size. */
    uint32_t (*variable_storage_size)(uint32_t address);
    /* How strings lie in their storage. Between two programs for which this is equal they can be copied as they are. */
    uint64_t string_layout;
} openplc_program;

/* The one symbol of a program object. */
const openplc_program *openplc_program_table(void);

#ifdef __cplusplus
}
#endif
#endif
