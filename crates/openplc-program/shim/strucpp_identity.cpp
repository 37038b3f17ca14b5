// The MD5 of a STruC++ program. It changes with every upload, so it has a unit of its own: nothing else need be compiled again.
#include "defines.h"

extern "C" {
extern const char openplc_program_md5[];
const char openplc_program_md5[] = PROGRAM_MD5;
}
