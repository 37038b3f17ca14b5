/* Included in front of the generated units of a STruC++ program: the loader of Python blocks, which their code calls without
 * declaring it, and the locks of global variables.
 *
 * Two instances of a block run the same code with the same script name. The code lies in a member function of the block, so
 * `this` tells them apart. */
#ifndef OPENPLC_STRUCPP_UNITS_H
#define OPENPLC_STRUCPP_UNITS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

int create_shm_name(char *name, size_t size);
int openplc_python_block(const void *instance, const char *script_name, const char *script, char *shm_name,
                         size_t input_size, size_t output_size, void **input, void **output, int pid);

#ifdef __cplusplus
}
#endif

#ifdef __cplusplus
#include "strucpp_locks.h"
#endif

#define python_block_loader(...) openplc_python_block(this, __VA_ARGS__)

#endif
