#pragma once
#include <array>
#include <cstdint>
#include <stdexcept>

namespace strucpp {

// ARRAY [First..Last] OF T. An index outside of it is a fault.
template <typename T, int64_t First, int64_t Last> class Array1D {
  public:
    T &at(int64_t index) {
        if (index < First || index > Last)
            throw std::out_of_range("array index out of bounds");
        return elements_[static_cast<size_t>(index - First)];
    }
    constexpr T &operator[](int64_t index) { return elements_[static_cast<size_t>(index - First)]; }

  private:
    std::array<T, static_cast<size_t>(Last - First + 1)> elements_{};
};

}  // namespace strucpp
