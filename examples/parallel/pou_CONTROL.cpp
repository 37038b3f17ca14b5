// Written by tests/programs/generate.py

#define STRUCPP_GENERATED_TU
#include "generated.hpp"

namespace strucpp {

Program_CONTROL::Program_CONTROL(GlobalVar<IEC_UDINT>* TOGGLES_ref)
    : TOGGLES(TOGGLES_ref)
{
    locatedVars[0].pointer = LAMP.raw_ptr();
}

void Program_CONTROL::run() {

    SCANS = SCANS + 1;
    if (TIME() - SWITCHED >= PERIOD) {
        SWITCHED = TIME();
        LAMP = !LAMP;
        TOGGLES->write(TOGGLES->read() + 1);
    }

}

}  // namespace strucpp
