// The C functions by which a runtime reaches the debug table.
#ifdef STRUCPP_V4_DEBUG_EXPORTS_DEFINE
#define STRUCPP_V4_EXPORT __attribute__((used, visibility("default")))
extern "C" {
STRUCPP_V4_EXPORT uint8_t strucpp_debug_array_count(void) { return strucpp::debug::handle_array_count(); }
STRUCPP_V4_EXPORT uint16_t strucpp_debug_elem_count(uint8_t arr) { return strucpp::debug::handle_elem_count(arr); }
STRUCPP_V4_EXPORT uint16_t strucpp_debug_size(uint8_t arr, uint16_t elem) {
    return strucpp::debug::handle_size(arr, elem);
}
STRUCPP_V4_EXPORT uint8_t strucpp_debug_set(uint8_t arr, uint16_t elem, bool forcing, const uint8_t *bytes,
                                            uint16_t len) {
    return strucpp::debug::handle_set(arr, elem, forcing, bytes, len);
}
STRUCPP_V4_EXPORT uint16_t strucpp_debug_read(uint8_t arr, uint16_t elem, uint8_t *dest) {
    return strucpp::debug::handle_read(arr, elem, dest);
}
}
#undef STRUCPP_V4_EXPORT
#endif
