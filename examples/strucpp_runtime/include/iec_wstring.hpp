#pragma once
#include "iec_types.hpp"
#include <algorithm>

namespace strucpp {

template <size_t Capacity = 254> class IECWString {
  public:
    IECWString() noexcept : length_(0) { data_[0] = 0; }
    IECWString(const char16_t *text, size_t length) noexcept {
        length_ = static_cast<uint16_t>(std::min(length, Capacity));
        std::copy(text, text + length_, data_);
        data_[length_] = 0;
    }
    size_t length() const noexcept { return length_; }
    const char16_t *c_str() const noexcept { return data_; }

  private:
    char16_t data_[Capacity + 1];
    uint16_t length_;
};

template <size_t Capacity> class IECWStringVar {
  public:
    using value_type = IECWString<Capacity>;
    IECWStringVar() noexcept : value_{}, forced_{false}, forced_value_{} {}
    const value_type &get() const noexcept { return forced_ ? forced_value_ : value_; }
    size_t length() const noexcept { return get().length(); }
    const char16_t *c_str() const noexcept { return get().c_str(); }
    void set(const value_type &value) noexcept {
        if (!forced_)
            value_ = value;
    }
    void force(const value_type &value) noexcept {
        forced_ = true;
        value_ = forced_value_ = value;
    }
    void unforce() noexcept { forced_ = false; }

  private:
    value_type value_;
    bool forced_;
    value_type forced_value_;
};

using IEC_WSTRING = IECWStringVar<254>;

}  // namespace strucpp
