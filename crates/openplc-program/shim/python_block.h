/* Included before Res0.c of a program with Python blocks: what their raw C code calls. Not <unistd.h>, whose macros (R_OK,
 * F_TEST) are names that variables may have.
 *
 * Two instances of a block run the same code with the same script name. The body of a function block has a pointer to its
 * instance called data__, which tells them apart. */
#ifndef OPENPLC_PYTHON_BLOCK_H
#define OPENPLC_PYTHON_BLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef int pid_t;
pid_t getpid(void);
int create_shm_name(char *name, size_t size);
int openplc_python_block(const void *instance, const char *script_name, const char *script, char *shm_name,
                         size_t input_size, size_t output_size, void **input, void **output, int pid);

#define python_block_loader(...) openplc_python_block(data__, __VA_ARGS__)

#endif
