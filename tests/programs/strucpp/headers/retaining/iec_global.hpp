#pragma once
#include "iec_var.hpp"
#ifdef STRUCPP_THREADED
#include <mutex>
#endif

namespace strucpp {

// A global variable with a lock of its own.
template <typename V> class GlobalVar {
  public:
    V value;
    GlobalVar() = default;
    template <typename T> explicit GlobalVar(T initial) : value(initial) {}
    GlobalVar(const GlobalVar &) = delete;

    V read() const {
#ifdef STRUCPP_THREADED
        std::lock_guard<std::mutex> held(mtx_);
#endif
        return value;
    }
    template <typename T> void write(T changed) {
#ifdef STRUCPP_THREADED
        std::lock_guard<std::mutex> held(mtx_);
#endif
        value.set(changed);
    }
    template <typename F> auto with_lock(F &&use) -> decltype(use(static_cast<V *>(nullptr))) {
#ifdef STRUCPP_THREADED
        std::lock_guard<std::mutex> held(mtx_);
#endif
        return use(&value);
    }

#ifdef STRUCPP_THREADED
  private:
    mutable std::mutex mtx_;
#endif
};

}  // namespace strucpp
