#pragma once
#include "debug_table.hpp"
#include <cstddef>
#include <cstdint>

namespace strucpp { namespace retain {

constexpr uint16_t MAGIC = 0x4F52;
using SizeLeaf = uint16_t (*)(uint8_t arr, uint16_t elem);

// Bytes of a blob of all retained values.
inline size_t blob_size(SizeLeaf size_of) noexcept {
    size_t total = debug::retain_var_count ? 14 : 0;
    for (uint16_t at = 0; at < debug::retain_var_count; at++)
        total += size_of(debug::retain_vars[at].arr, debug::retain_vars[at].elem);
    return total;
}

} }  // namespace strucpp::retain
