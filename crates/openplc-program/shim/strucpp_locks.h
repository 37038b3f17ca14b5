/* Included in front of every C++ unit of a STruC++ program: locks of global variables that tasks may wait for.
 *
 * Each global variable has a lock, which the headers take from <mutex>. A task that holds one and is then kept from the
 * processor by a third task would hold up a more urgent one for as long as that third task likes. With these locks it has
 * meanwhile the priority of the most urgent task that waits for it.
 *
 * Headers differ in the kind of lock, so the names of <mutex> stand for this one while iec_global.hpp is read, and only then.
 * All units must see the same: it is a member of the variables. */
#ifndef OPENPLC_STRUCPP_LOCKS_H
#define OPENPLC_STRUCPP_LOCKS_H

#include <pthread.h>

/* Every lock of the program, from when the object is loaded until it is unloaded. May be taken again by who holds it. */
class openplc_lock {
  public:
    openplc_lock() noexcept {
        pthread_mutexattr_t attributes;
        pthread_mutexattr_init(&attributes);
        pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
        pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
        if (pthread_mutex_init(&mutex_, &attributes)) {
            /* A kernel without priority inheritance. */
            pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_NONE);
            pthread_mutex_init(&mutex_, &attributes);
        }
        pthread_mutexattr_destroy(&attributes);
        next_ = all();
        all() = this;
    }
    openplc_lock(const openplc_lock &) = delete;
    openplc_lock &operator=(const openplc_lock &) = delete;

    void lock() noexcept { pthread_mutex_lock(&mutex_); }
    bool try_lock() noexcept { return pthread_mutex_trylock(&mutex_) == 0; }
    void unlock() noexcept { pthread_mutex_unlock(&mutex_); }

    /* Those that the calling thread holds. */
    static void unlock_all() noexcept {
        for (openplc_lock *lock = all(); lock; lock = lock->next_)
            while (pthread_mutex_unlock(&lock->mutex_) == 0) {
            }
    }

  private:
    static openplc_lock *&all() noexcept {
        static openplc_lock *first = nullptr;
        return first;
    }

    pthread_mutex_t mutex_;
    openplc_lock *next_;
};

#if __has_include("iec_global.hpp")
#include "iec_var.hpp"
#include <mutex>
namespace std {
using openplc_lock = ::openplc_lock;
}
#define mutex openplc_lock
#define recursive_mutex openplc_lock
#include "iec_global.hpp"
#undef mutex
#undef recursive_mutex
#endif

#endif
