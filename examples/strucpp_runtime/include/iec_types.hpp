#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace strucpp {
using BOOL_t = bool;
using SINT_t = int8_t;
using INT_t = int16_t;
using DINT_t = int32_t;
using LINT_t = int64_t;
using USINT_t = uint8_t;
using UINT_t = uint16_t;
using UDINT_t = uint32_t;
using ULINT_t = uint64_t;
using REAL_t = float;
using LREAL_t = double;
using BYTE_t = uint8_t;
using WORD_t = uint16_t;
using DWORD_t = uint32_t;
using LWORD_t = uint64_t;
using TIME_t = int64_t;
using DATE_t = int64_t;
using TOD_t = int64_t;
using DT_t = int64_t;
}  // namespace strucpp
