#pragma once
#include <cstdint>

namespace strucpp {

enum class LocatedArea : uint8_t { Input = 0, Output = 1, Memory = 2 };
enum class LocatedSize : uint8_t { Bit = 0, Byte = 1, Word = 2, DWord = 3, LWord = 4 };

struct LocatedVar {
    LocatedArea area;
    LocatedSize size;
    uint16_t byte_index;
    uint8_t bit_index;
    uint8_t _reserved[3];
    void *pointer;
};

}  // namespace strucpp
