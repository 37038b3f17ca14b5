// Written by tests/programs/generate.py

#define STRUCPP_GENERATED_TU
#include "generated.hpp"
#include "debug_table.hpp"

extern ::strucpp::Configuration_CONFIG0 g_config;

namespace strucpp { namespace debug {

const Entry debug_arr_0[4] STRUCPP_DEBUG_FLASH = {
    { (void*)&g_config.CONTROL0.LAMP, TAG_BOOL, 0, 0 },  // CONTROL0.LAMP
    { (void*)&g_config.CONTROL0.PERIOD, TAG_TIME, 0, 0 },  // CONTROL0.PERIOD
    { (void*)&g_config.CONTROL0.SWITCHED, TAG_TIME, 0, 0 },  // CONTROL0.SWITCHED
    { (void*)&g_config.CONTROL0.SCANS, TAG_UDINT, 0, 0 },  // CONTROL0.SCANS
};
const Entry debug_arr_1[4] STRUCPP_DEBUG_FLASH = {
    { (void*)&g_config.REPORT0.TOGGLES_SEEN, TAG_UDINT, 0, 0 },  // REPORT0.TOGGLES_SEEN
    { (void*)&g_config.REPORT0.REPORTS, TAG_UDINT, 2, 0 },  // REPORT0.REPORTS
    { (void*)&g_config.REPORT0.TEXT, TAG_STRING, 0, 254 },  // REPORT0.TEXT
    { (void*)&g_config.REPORT0.LAMP_IS_ON, TAG_BOOL, 0, 0 },  // REPORT0.LAMP_IS_ON
};
const Entry debug_arr_2[1] STRUCPP_DEBUG_FLASH = {
    { (void*)&::strucpp::TOGGLES.value, TAG_UDINT, 0, 0 },  // TOGGLES
};
const Entry* const debug_arrays[3] STRUCPP_DEBUG_FLASH = {
    debug_arr_0,
    debug_arr_1,
    debug_arr_2,
};
const uint16_t debug_array_counts[3] STRUCPP_DEBUG_FLASH = {
    4,
    4,
    1,
};
const uint8_t debug_array_count = 3;

// Retained leaves, in their order.
const RetainVar retain_vars[1] = {
    { 1, 1 },  // REPORT0.REPORTS
};
const uint16_t retain_var_count = 1;
const uint32_t retain_layout_hash = 0x12345678;

} }  // namespace strucpp::debug
