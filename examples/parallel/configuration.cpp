// Written by tests/programs/generate.py

#define STRUCPP_GENERATED_TU
#include "generated.hpp"

namespace strucpp {

LocatedVar locatedVars[1] = {
    { LocatedArea::Output, LocatedSize::Bit, 0, 0, {0, 0, 0}, nullptr },  // LAMP AT %QX0.0
};

#ifdef STRUCPP_THREADED
void *locatedGlobals[1] = { nullptr };
extern "C" void *const *strucpp_get_located_globals(void) { return locatedGlobals; }
extern "C" uint32_t strucpp_get_located_global_count(void) { return locatedGlobalsCount; }
static detail::GlobalMutex *global_lock_of(uint32_t number) {
    switch (number) {
    case 0: return TOGGLES.lock_handle();
    default: return nullptr;
    }
}
extern "C" uint32_t strucpp_global_count(void) { return 1; }
extern "C" bool strucpp_global_try_lock(uint32_t g) { return detail::global_try_lock(global_lock_of(g)); }
extern "C" void strucpp_global_unlock(uint32_t g) { detail::global_unlock(global_lock_of(g)); }
#endif

Configuration_CONFIG0::Configuration_CONFIG0()
    : CONTROL0(&::strucpp::TOGGLES), REPORT0(&::strucpp::TOGGLES)
{
    task_programs_storage[0] = &CONTROL0;
    tasks_storage[0] = TaskInstance("FAST", 10000000LL, 0, &task_programs_storage[0], 1);
    task_programs_storage[1] = &REPORT0;
    tasks_storage[1] = TaskInstance("SLOW", 200000000LL, 1, &task_programs_storage[1], 1);
    resources_storage[0] = ResourceInstance("RES0", "PLC", tasks_storage, 2);
#ifdef STRUCPP_THREADED
#endif
}
const char* Configuration_CONFIG0::get_name() const { return "CONFIG0"; }
ResourceInstance* Configuration_CONFIG0::get_resources() { return resources_storage; }
size_t Configuration_CONFIG0::get_resource_count() const { return 1; }

}  // namespace strucpp
