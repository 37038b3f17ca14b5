#pragma once
#include "iec_var.hpp"
#ifdef STRUCPP_THREADED
#include <mutex>
#endif

namespace strucpp {

#ifdef STRUCPP_THREADED
namespace detail {
using GlobalMutex = std::recursive_mutex;
using GlobalLock = std::lock_guard<std::recursive_mutex>;
// For whoever knows a global variable by its number; there is none for a number of no variable.
inline bool global_try_lock(GlobalMutex *mutex) { return mutex && mutex->try_lock(); }
inline void global_unlock(GlobalMutex *mutex) {
    if (mutex)
        mutex->unlock();
}
}  // namespace detail
#endif

// A global variable with a lock of its own.
template <typename V> class GlobalVar {
  public:
    V value;
    GlobalVar() = default;
    template <typename T> explicit GlobalVar(T initial) : value(initial) {}
    GlobalVar(const GlobalVar &) = delete;

    V read() const {
#ifdef STRUCPP_THREADED
        detail::GlobalLock held(mtx_);
#endif
        return value;
    }
    template <typename T> void write(T changed) {
#ifdef STRUCPP_THREADED
        detail::GlobalLock held(mtx_);
#endif
        value.set(changed);
    }
    template <typename F> auto with_lock(F &&use) -> decltype(use(static_cast<V *>(nullptr))) {
#ifdef STRUCPP_THREADED
        detail::GlobalLock held(mtx_);
#endif
        return use(&value);
    }

#ifdef STRUCPP_THREADED
    detail::GlobalMutex *lock_handle() const { return &mtx_; }

  private:
    mutable detail::GlobalMutex mtx_;
#endif
};

}  // namespace strucpp
