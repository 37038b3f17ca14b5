#pragma once
#include "iec_retain.hpp"
#include "iec_string.hpp"
#include "iec_var.hpp"
#include "iec_wstring.hpp"
#include <cstddef>
#include <type_traits>

namespace strucpp {

#ifdef STRUCPP_THREADED
inline thread_local int64_t __CURRENT_TIME_NS = 0;
#else
inline int64_t __CURRENT_TIME_NS = 0;
#endif
inline IEC_TIME TIME() { return IEC_TIME(static_cast<TIME_t>(__CURRENT_TIME_NS)); }

struct RetainVarInfo;

struct ProgramBase {
    virtual ~ProgramBase() = default;
    virtual void run() = 0;
    virtual const RetainVarInfo *getRetainVars() const { return nullptr; }
    virtual size_t getRetainCount() const { return 0; }
    virtual void sync_in() {}
    virtual void sync_out() {}
    virtual void located_range(uint32_t *offset, uint32_t *count) const {
        *offset = 0;
        *count = 0;
    }
};

#include "iec_tasks.hpp"

}  // namespace strucpp
