#pragma once
#include <cstdint>
#define STRUCPP_DEBUG_FLASH

namespace strucpp { namespace debug {

enum TypeTag : uint8_t {
    TAG_BOOL, TAG_SINT, TAG_USINT, TAG_INT, TAG_UINT, TAG_DINT, TAG_UDINT, TAG_LINT, TAG_ULINT, TAG_REAL, TAG_LREAL,
    TAG_BYTE, TAG_WORD, TAG_DWORD, TAG_LWORD, TAG_TIME, TAG_DATE, TAG_TOD, TAG_DT, TAG_STRING, TAG_WSTRING, TAG__COUNT
};

constexpr uint8_t LEAF_FLAG_READONLY = 1 << 0;
constexpr uint8_t LEAF_FLAG_RETAIN = 1 << 1;
constexpr uint8_t LEAF_FLAG_INDIRECT = 1 << 2;
// A value without the wrapper that a debugger can hold it in.
constexpr uint8_t LEAF_FLAG_RAW = 1 << 3;

struct Entry {
    void *ptr;
    uint8_t tag;
    uint8_t flags;
    uint8_t cap;
};

// What a parameter refers to: where the reference lies, and the variable's place in what it refers to.
struct IndirectRef {
    const void *binding;
    uintptr_t offset;
};

struct RetainVar {
    uint8_t arr;
    uint16_t elem;
};

extern const Entry *const debug_arrays[];
extern const uint16_t debug_array_counts[];
extern const uint8_t debug_array_count;
extern const RetainVar retain_vars[];
extern const uint16_t retain_var_count;
extern const uint32_t retain_layout_hash;

} }  // namespace strucpp::debug
