#pragma once
#include "iec_types.hpp"
#include <algorithm>

namespace strucpp {

template <size_t Capacity = 254> class IECString {
  public:
    IECString() noexcept : length_(0) { data_[0] = '\0'; }
    IECString(const char *text) noexcept : IECString(text, std::strlen(text)) {}
    IECString(const char *text, size_t length) noexcept {
        length_ = static_cast<uint16_t>(std::min(length, Capacity));
        std::memcpy(data_, text, length_);
        data_[length_] = '\0';
    }
    size_t length() const noexcept { return length_; }
    const char *c_str() const noexcept { return data_; }

  private:
    char data_[Capacity + 1];
    uint16_t length_;
};

template <size_t Capacity> class IECStringVar {
  public:
    using value_type = IECString<Capacity>;
    IECStringVar() noexcept : value_{}, forced_{false}, forced_value_{} {}
    IECStringVar(const char *text) noexcept : value_{text}, forced_{false}, forced_value_{} {}
    const value_type &get() const noexcept { return forced_ ? forced_value_ : value_; }
    size_t length() const noexcept { return get().length(); }
    const char *c_str() const noexcept { return get().c_str(); }
    void set(const value_type &value) noexcept {
        if (!forced_)
            value_ = value;
    }
    void force(const value_type &value) noexcept {
        forced_ = true;
        value_ = forced_value_ = value;
    }
    void unforce() noexcept { forced_ = false; }
    IECStringVar &operator=(const char *text) noexcept {
        set(value_type(text));
        return *this;
    }

  private:
    value_type value_;
    bool forced_;
    value_type forced_value_;
};

using IEC_STRING = IECStringVar<254>;

}  // namespace strucpp
