#pragma once
#include <cstddef>

namespace strucpp {

// Describes a retained variable of a program; nothing that a runtime could keep.
struct RetainVarInfo {
    const char *name;
    size_t offset;
    size_t size;
};

}  // namespace strucpp
