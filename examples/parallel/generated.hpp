// Written by tests/programs/generate.py
#pragma once

#include "iec_array.hpp"
#include "iec_global.hpp"
#include "iec_located.hpp"
#include "iec_std_lib.hpp"

#include <array>
#include <ctime>
#include <string>

#ifdef STRUCPP_GENERATED_TU
#undef LAMP
#undef LAMP_IS_ON
#undef PERIOD
#undef REPORTS
#undef SCANS
#undef SWITCHED
#undef TEXT
#undef TOGGLES
#undef TOGGLES_SEEN
#endif

namespace strucpp {

class Program_CONTROL;
class Program_REPORT;
class Configuration_CONFIG0;

enum class COLOUR : int16_t { RED, GREEN, BLUE };

inline GlobalVar<IEC_UDINT> TOGGLES{0};
class Program_CONTROL : public ProgramBase {
public:
    IEC_BOOL LAMP{};  // AT %QX0.0
    IEC_TIME PERIOD{500000000};
    IEC_TIME SWITCHED{};
    IEC_UDINT SCANS{};
    GlobalVar<IEC_UDINT>* TOGGLES;
    explicit Program_CONTROL(GlobalVar<IEC_UDINT>* TOGGLES_ref);
    void run() override;
#ifdef STRUCPP_THREADED
    void located_range(uint32_t* __off, uint32_t* __cnt) const override { *__off = 0; *__cnt = 1; }
#endif
};

class Program_REPORT : public ProgramBase {
public:
    IEC_UDINT TOGGLES_SEEN{};
    IEC_UDINT REPORTS{};
    IEC_STRING TEXT{"dark"};
    IEC_BOOL LAMP_IS_ON{};
    GlobalVar<IEC_UDINT>* TOGGLES;
    explicit Program_REPORT(GlobalVar<IEC_UDINT>* TOGGLES_ref);
    void run() override;
};

class Configuration_CONFIG0 : public ConfigurationInstance {
public:
    Program_CONTROL CONTROL0;
    Program_REPORT REPORT0;
    TaskInstance tasks_storage[2];
    ProgramBase* task_programs_storage[2];
    ResourceInstance resources_storage[1];
    Configuration_CONFIG0();
    const char* get_name() const override;
    ResourceInstance* get_resources() override;
    size_t get_resource_count() const override;
};

extern LocatedVar locatedVars[1];
constexpr uint32_t locatedVarsCount = 1;
#ifdef STRUCPP_THREADED
extern void *locatedGlobals[1];
constexpr uint32_t locatedGlobalsCount = 0;
#endif

}  // namespace strucpp
