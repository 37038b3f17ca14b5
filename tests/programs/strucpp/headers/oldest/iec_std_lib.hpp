#pragma once
#include "iec_retain.hpp"
#include "iec_string.hpp"
#include "iec_var.hpp"
#include "iec_wstring.hpp"
#include <cstddef>
#include <type_traits>

namespace strucpp {

inline int64_t __CURRENT_TIME_NS = 0;
inline IEC_TIME TIME() { return IEC_TIME(static_cast<TIME_t>(__CURRENT_TIME_NS)); }

struct ProgramBase {
    virtual ~ProgramBase() = default;
    virtual void run() = 0;
    virtual const RetainVarInfo *getRetainVars() const { return nullptr; }
    virtual size_t getRetainCount() const { return 0; }
};

#include "iec_tasks.hpp"

}  // namespace strucpp
