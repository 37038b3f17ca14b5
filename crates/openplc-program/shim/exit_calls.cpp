// What exit(), _exit(), _Exit() and quick_exit() of a program do: end the program and not the runtime. The link replaces
// them by the __wrap_ functions below.
//
// On the thread that runs the program they jump back to the shim. An exception would not do: C libraries declare exit() as
// a function that throws none, so a compiler may end the process instead, and a block may catch everything. As with the
// real exit(), destructors of local objects are not run; the program is never run on.
#include "exit_calls.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

namespace {

// Process in which the program was initialised; 0 while the object is loaded or unloaded.
pid_t process;
// Where the calling thread finds the shim again; null while it does not execute the program.
thread_local jmp_buf *way_out_of_program;
char text[80];
bool called;

__attribute__((noreturn)) void end(const char *function, int status) {
    if (!process) {
        // Constructors and destructors run in the dynamic linker, which cannot be left by a jump.
        static const char told[] = "the program called exit() while it was loaded or unloaded\n";
        (void)!write(STDERR_FILENO, told, sizeof told - 1);
        abort();
    }
    const bool own_thread = way_out_of_program;
    snprintf(text, sizeof text, "%s called %s(%d)", own_thread ? "the program" : "a thread of the program", function,
             status);
    __atomic_store_n(&called, true, __ATOMIC_RELEASE);
    if (own_thread)
        longjmp(*way_out_of_program, 1);
    // The next scan finds the text. The thread stays: what it would run next may be unloaded, and no signal shall wake it.
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
    for (;;)
        pause();
}

// Runs before the destructors of the program's own objects.
__attribute__((destructor)) void unload() { process = 0; }

}  // namespace

void openplc_expect_exit() { process = getpid(); }

void openplc_enter(jmp_buf *way_out) { way_out_of_program = way_out; }

void openplc_leave() { way_out_of_program = nullptr; }

const char *openplc_exit_text() { return __atomic_load_n(&called, __ATOMIC_ACQUIRE) ? text : nullptr; }

// A child that the program forked ends as it likes.
#define WRAP(function)                                                        \
    extern "C" __attribute__((noreturn)) void __real_##function(int status); \
    extern "C" __attribute__((noreturn)) void __wrap_##function(int status) { \
        if (process && process != getpid())                                   \
            __real_##function(status);                                        \
        end(#function, status);                                               \
    }

WRAP(exit)
WRAP(_exit)
WRAP(_Exit)
WRAP(quick_exit)
