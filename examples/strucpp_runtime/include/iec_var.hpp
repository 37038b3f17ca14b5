#pragma once
#include "iec_types.hpp"

namespace strucpp {

// A variable that a debugger can hold at a value.
template <typename T> class IECVar {
  public:
    using value_type = T;
    IECVar() noexcept : value_{}, forced_{false}, forced_value_{} {}
    IECVar(T value) noexcept : value_{value}, forced_{false}, forced_value_{} {}

    T get() const noexcept { return forced_ ? forced_value_ : value_; }
    void set(T value) noexcept {
        if (!forced_)
            value_ = value;
    }
    void force(T value) noexcept {
        forced_ = true;
        value_ = forced_value_ = value;
    }
    void unforce() noexcept { forced_ = false; }
    T *raw_ptr() noexcept { return &value_; }

    operator T() const noexcept { return get(); }
    IECVar &operator=(T value) noexcept {
        set(value);
        return *this;
    }

  private:
    T value_;
    bool forced_;
    T forced_value_;
};

using IEC_BOOL = IECVar<BOOL_t>;
using IEC_SINT = IECVar<SINT_t>;
using IEC_INT = IECVar<INT_t>;
using IEC_DINT = IECVar<DINT_t>;
using IEC_LINT = IECVar<LINT_t>;
using IEC_USINT = IECVar<USINT_t>;
using IEC_UINT = IECVar<UINT_t>;
using IEC_UDINT = IECVar<UDINT_t>;
using IEC_ULINT = IECVar<ULINT_t>;
using IEC_REAL = IECVar<REAL_t>;
using IEC_LREAL = IECVar<LREAL_t>;
using IEC_BYTE = IECVar<BYTE_t>;
using IEC_WORD = IECVar<WORD_t>;
using IEC_DWORD = IECVar<DWORD_t>;
using IEC_LWORD = IECVar<LWORD_t>;
using IEC_TIME = IECVar<TIME_t>;
using IEC_DATE = IECVar<DATE_t>;
using IEC_TOD = IECVar<TOD_t>;
using IEC_DT = IECVar<DT_t>;

}  // namespace strucpp
