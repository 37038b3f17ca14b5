#pragma once
#include "debug_table.hpp"
#include "iec_string.hpp"
#include "iec_types.hpp"
#include "iec_var.hpp"
#include "iec_wstring.hpp"
#include <algorithm>
#include <cstring>

namespace strucpp { namespace debug {

#include "debug_operations.hpp"

inline Entry read_entry(uint8_t arr, uint16_t elem) noexcept {
    if (arr >= debug_array_count || elem >= debug_array_counts[arr])
        return {nullptr, 0, 0};
    return debug_arrays[arr][elem];
}
inline uint16_t handle_size(uint8_t arr, uint16_t elem) noexcept {
    const Entry entry = read_entry(arr, elem);
    return entry.ptr && entry.tag < TAG__COUNT ? type_ops[entry.tag].size : 0;
}
inline uint8_t handle_set(uint8_t arr, uint16_t elem, bool forcing, const uint8_t *bytes, uint16_t len) noexcept {
    const Entry entry = read_entry(arr, elem);
    if (!entry.ptr || entry.tag >= TAG__COUNT)
        return STATUS_OUT_OF_BOUNDS;
    if (entry.flags & LEAF_FLAG_READONLY)
        return STATUS_READ_ONLY;
    if (!forcing) {
        type_ops[entry.tag].unforce(entry.ptr);
        return STATUS_OK;
    }
    if (len < type_ops[entry.tag].size)
        return STATUS_DATA_TOO_LARGE;
    type_ops[entry.tag].force(entry.ptr, bytes);
    return STATUS_OK;
}
inline uint16_t handle_read(uint8_t arr, uint16_t elem, uint8_t *dest) noexcept {
    const uint16_t size = handle_size(arr, elem);
    if (size)
        type_ops[debug_arrays[arr][elem].tag].read(debug_arrays[arr][elem].ptr, dest);
    return size;
}
inline uint8_t handle_array_count() noexcept { return debug_array_count; }
inline uint16_t handle_elem_count(uint8_t arr) noexcept { return arr < debug_array_count ? debug_array_counts[arr] : 0; }

} }  // namespace strucpp::debug

#include "debug_exports.hpp"
