// Written by tests/programs/generate.py

#define STRUCPP_GENERATED_TU
#include "generated.hpp"

namespace strucpp {

Program_REPORT::Program_REPORT(GlobalVar<IEC_UDINT>* TOGGLES_ref)
    : TOGGLES(TOGGLES_ref)
{
}

void Program_REPORT::run() {

    TOGGLES_SEEN = TOGGLES->read();
    REPORTS = REPORTS + 1;
    LAMP_IS_ON = (TOGGLES_SEEN % 2) == 1;
    TEXT = LAMP_IS_ON ? "lit" : "dark";

}

}  // namespace strucpp
