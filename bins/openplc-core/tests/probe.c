/* A program for tests, straight on the flat ABI: it counts its scans, and misbehaves when its second variable is forced. */
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "openplc_program.h"

#ifndef INTERVAL_NS
#define INTERVAL_NS 1000000
#endif
#ifndef MD5
#define MD5 "0123456789abcdef0123456789abcdef"
#endif

static uint32_t counter;
static uint8_t misbehaviour;
static uint64_t pattern;
#ifdef SLOW_SCAN_NS
/* A second, slower task, which is listed first and takes this long. */
static const openplc_task tasks[] = { { "slow", 100000000, 5, 0 }, { "probe", INTERVAL_NS, 0, 0 } };
#else
static const openplc_task tasks[] = { { "probe", INTERVAL_NS, 0, 0 } };
#endif
#ifdef BLOCK
/* As large as defined, and all of its bytes are equal whenever no scan is in progress. */
static uint8_t block[BLOCK];
static const uint32_t lengths[] = { 4 };
#else
static const uint32_t lengths[] = { 6 };
#endif
static const openplc_host *runtime;
/* Located: a counter in memory, twice, that goes on when another probe takes this one's place; and outputs. */
static uint32_t memory[2], output;
static uint8_t output_bit;
#ifdef LOCATED
/* So many of all widths, half of them inputs. */
static uint64_t storage_of_located[LOCATED + 1];
static openplc_located located[LOCATED + 1];
__attribute__((constructor)) static void locate(void) {
    static const char widths[] = { 'X', 'B', 'W', 'D', 'L' };
    for (uint32_t at = 0; at < LOCATED; at++) {
        const char width = widths[at % 5], area = at % 2 ? 'Q' : at % 4 ? 'M' : 'I';
        const openplc_located one = { area == 'M' && width < 'C' ? 'Q' : area, width, 0, 0, at / 5, &storage_of_located[at] };
        located[at] = one;
    }
}
#define LOCATED_COUNT LOCATED
#else
#define LOCATED_COUNT (sizeof located / sizeof *located)
static const openplc_located located[] = {
    { 'M', 'D', 0, 0, 0, &memory[0] }, { 'M', 'D', 0, 0, 1, &memory[1] },
    { 'Q', 'D', 0, 0, 0, &output }, { 'Q', 'X', 3, 0, 0, &output_bit },
};
#endif
static volatile int32_t zero;
#ifdef GATE
/* Tells that code of the program is executed which is to be held up, and goes on when it may. */
static void hold_up(void) {
    fclose(fopen(GATE "/reached", "w"));
    while (access(GATE "/open", F_OK)) usleep(1000);
}
/* Whether this is the process in which a program is only tried. */
static int is_trial(void) {
    char line[4096] = { 0 };
    FILE *file = fopen("/proc/self/cmdline", "r");
    fread(line, 1, sizeof line - 1, file);
    fclose(file);
    return !strcmp(line + strlen(line) + 1, "try-program");
}
#endif
#ifdef HOLDS_UP_LOADING
__attribute__((constructor)) static void begin(void) { if (!is_trial()) hold_up(); }
#endif
#ifdef HOLDS_UP_ENDING
__attribute__((destructor)) static void end(void) { if (counter || HOLDS_UP_ENDING) hold_up(); }
#endif

static int32_t init(const openplc_host *host) {
    runtime = host;
#if defined FAILS
    return OPENPLC_FAILED;
#elif defined CRASHES
    return *(volatile int *)0;
#elif defined PRINTS
    for (int line = 0; line < 10000; line++) printf("%0100d\n", line);
    fflush(stdout);
    return PRINTS;
#elif defined HANGS
    for (;;) { __asm__ volatile(""); }
#else
    runtime->log(runtime->context, OPENPLC_LOG_INFO, "probe is ready", 14);
    return OPENPLC_OK;
#endif
}

#ifdef STARTS_A_THREAD
static void *wait_for_ever(void *unused) {
    for (;;) usleep(1000);
    return unused;
}
__attribute__((constructor)) static void start_a_thread(void) { pthread_t thread; pthread_create(&thread, NULL, wait_for_ever, NULL); }
#endif

static void *for_ever(void *unused) {
    for (;;) { __asm__ volatile(""); }
    return unused;
}

#ifdef SLOW_SCAN_NS
static uint64_t nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int32_t run_slow(void) {
    const uint64_t until = nanoseconds() + SLOW_SCAN_NS;
    while (nanoseconds() < until) {}
    return OPENPLC_OK;
}
#endif

static int32_t overflow(volatile char *above) {
    volatile char here[4096];
    here[0] = *above;
    return overflow(here) + here[0];
}

/* As much as a scan is promised, but for some frames. */
static void use_stack(void) {
    volatile char large[(4 << 20) - (192 << 10)];
    for (size_t at = 0; at < sizeof large; at += 4096) large[at] = 1;
}

static void *overflow_thread(void *unused) {
    overflow((volatile char *)MD5);
    return unused;
}

static int32_t run(uint32_t number, uint64_t now_ns) {
    (void)number;
    (void)now_ns;
#ifdef SLOW_SCAN_NS
    if (number == 0) return run_slow();
#endif
    counter++;
    memory[0]++;
    memory[1] = memory[0];
    output = counter;
#ifdef LATCHES
    if (counter == 1) output_bit = 1;
#else
    output_bit = 1;
#endif
#ifndef CRASH_IF
#define CRASH_IF "/"
#endif
#ifdef CRASHES_IN_SCAN
    if (counter == CRASHES_IN_SCAN && !access(CRASH_IF, F_OK)) *(volatile int *)0 = 1;
#endif
#ifdef FAULTS_IN_SCAN
    if (counter == FAULTS_IN_SCAN) return OPENPLC_EXCEPTION;
#endif
#if defined FAULTS_AT_ONCE
    return OPENPLC_EXCEPTION;
#elif defined CRASHES_AT_ONCE
    *(volatile int *)0 = 1;
#endif
    /* Both halves are equal whenever no scan is in progress. */
    pattern = (uint64_t)counter << 32 | counter;
#ifdef BLOCK
    memset(block, (int)counter, sizeof block);
#endif
    switch (misbehaviour) {
    case 1: return OPENPLC_EXCEPTION;
    case 2: *(volatile int *)0 = 1; break;
    case 3: for (;;) { __asm__ volatile(""); }
    case 4: abort();
    case 5: return 100 / zero;
    case 6: exit(0);
    case 10: {
        struct timespec begun, now;
        clock_gettime(CLOCK_MONOTONIC, &begun);
        /* Longer than any scan of the probe may take, by as much as it takes to notice. */
        do clock_gettime(CLOCK_MONOTONIC, &now);
        while ((now.tv_sec - begun.tv_sec) * 1000000000LL + now.tv_nsec - begun.tv_nsec < 1300000000LL);
        break;
    }
    case 11: raise(SIGBUS); break;
    case 12: __builtin_trap();
    case 13: _exit(3);
    case 15: use_stack(); break;
    case 14: { pthread_t thread; pthread_create(&thread, NULL, overflow_thread, NULL); misbehaviour = 0; break; }
    case 9: return overflow((volatile char *)MD5);
    case 7: for (int line = 0; line < 100; line++) fprintf(stderr, "%0100d\n", line); break;
    case 8: { pthread_t thread; pthread_create(&thread, NULL, for_ever, NULL); misbehaviour = 0; break; }
    }
    return OPENPLC_OK;
}

static const char *fault_text(void) { return "the probe was told to fail"; }

static void *variable(uint32_t address, uint32_t *size) {
    switch (address) {
    case 0: *size = sizeof counter; return &counter;
    case 1: *size = sizeof misbehaviour; return &misbehaviour;
    case 2: *size = sizeof pattern; return &pattern;
    case 4: *size = sizeof output; return &output;
    case 5: *size = sizeof output_bit; return &output_bit;
#ifdef BLOCK
    case 3: *size = sizeof block; return block;
#endif
    default: *size = 0; return NULL;
    }
}

static uint32_t size_of(uint32_t address) { uint32_t size; variable(address, &size); return size; }

static uint32_t read_variable(uint32_t address, void *into, uint32_t capacity) {
    uint32_t size;
    void *value = variable(address, &size);
    if (size > capacity) return 0;
    memcpy(into, value, size);
    return size;
}

static int32_t force(uint32_t address, uint32_t forced, uint8_t *value, uint32_t length) {
    uint32_t size;
    void *target = variable(address, &size);
    if (forced) memcpy(target, value, length < size ? length : size);
    return OPENPLC_OK;
}

static void *storage(uint32_t address) { uint32_t size; return variable(address, &size); }

static void set_byte_order(uint32_t reverse) { (void)reverse; }

#ifdef OLD_TABLE
/* As built before variable_storage was there. */
#define TABLE_SIZE offsetof(openplc_program, variable_storage)
#else
#define TABLE_SIZE sizeof(openplc_program)
#endif

static const openplc_program table = {
    .abi = OPENPLC_PROGRAM_ABI, .size = TABLE_SIZE, .generation = OPENPLC_MATIEC, .md5 = MD5,
    .init = init, .run = run, .fault_text = fault_text, .task_count = sizeof tasks / sizeof *tasks, .tasks = tasks, .array_count = 1,
    .located_count = LOCATED_COUNT, .located = located,
    .array_lengths = lengths, .variable_size = size_of, .variable_read = read_variable, .variable_force = force,
    .set_byte_order = set_byte_order, .variable_storage = storage,
};

const openplc_program *openplc_program_table(void) { return &table; }
