// What a debugger does with a variable of each type. Included by debug_dispatch.hpp inside strucpp::debug.
constexpr uint8_t STATUS_OK = 0x7E;
constexpr uint8_t STATUS_OUT_OF_BOUNDS = 0x81;
constexpr uint8_t STATUS_DATA_TOO_LARGE = 0x82;
constexpr uint8_t STATUS_READ_ONLY = 0x87;
constexpr uint8_t DEBUG_STRING_CAP = 126;

struct TypeOps {
    void (*force)(void *, const uint8_t *);
    void (*unforce)(void *);
    void (*read)(const void *, uint8_t *);
    uint8_t size;
};

template <typename T> void force_number(void *variable, const uint8_t *bytes) noexcept {
    T value{};
    std::memcpy(&value, bytes, sizeof value);
    static_cast<IECVar<T> *>(variable)->force(value);
}
template <> inline void force_number<bool>(void *variable, const uint8_t *bytes) noexcept {
    static_cast<IECVar<bool> *>(variable)->force(bytes[0] != 0);
}
template <typename T> void unforce_number(void *variable) noexcept { static_cast<IECVar<T> *>(variable)->unforce(); }
template <typename T> void read_number(const void *variable, uint8_t *into) noexcept {
    const T value = static_cast<const IECVar<T> *>(variable)->get();
    std::memcpy(into, &value, sizeof value);
}
template <typename T> constexpr TypeOps number() {
    return {&force_number<T>, &unforce_number<T>, &read_number<T>, sizeof(T)};
}

inline void read_string(const void *variable, uint8_t *into) noexcept {
    const auto *text = static_cast<const IECStringVar<254> *>(variable);
    std::memset(into, 0, 1 + DEBUG_STRING_CAP);
    into[0] = static_cast<uint8_t>(std::min<size_t>(text->length(), DEBUG_STRING_CAP));
    std::memcpy(into + 1, text->c_str(), into[0]);
}
inline void force_string(void *variable, const uint8_t *bytes) noexcept {
    const auto length = std::min(bytes[0], DEBUG_STRING_CAP);
    static_cast<IECStringVar<254> *>(variable)->force(IECString<254>(reinterpret_cast<const char *>(bytes + 1), length));
}
inline void unforce_string(void *variable) noexcept { static_cast<IECStringVar<254> *>(variable)->unforce(); }

inline void read_wstring(const void *variable, uint8_t *into) noexcept {
    const auto *text = static_cast<const IECWStringVar<254> *>(variable);
    std::memset(into, 0, 1 + 2 * DEBUG_STRING_CAP);
    into[0] = static_cast<uint8_t>(std::min<size_t>(text->length(), DEBUG_STRING_CAP));
    for (uint8_t at = 0; at < into[0]; at++) {
        into[1 + 2 * at] = static_cast<uint8_t>(text->c_str()[at] & 0xFF);
        into[2 + 2 * at] = static_cast<uint8_t>(text->c_str()[at] >> 8);
    }
}
inline void force_wstring(void *variable, const uint8_t *bytes) noexcept {
    char16_t units[DEBUG_STRING_CAP];
    const auto length = std::min(bytes[0], DEBUG_STRING_CAP);
    for (uint8_t at = 0; at < length; at++)
        units[at] = static_cast<char16_t>(bytes[1 + 2 * at] | bytes[2 + 2 * at] << 8);
    static_cast<IECWStringVar<254> *>(variable)->force(IECWString<254>(units, length));
}
inline void unforce_wstring(void *variable) noexcept { static_cast<IECWStringVar<254> *>(variable)->unforce(); }

inline constexpr TypeOps type_ops[TAG__COUNT] = {
    number<BOOL_t>(), number<SINT_t>(), number<USINT_t>(), number<INT_t>(), number<UINT_t>(), number<DINT_t>(),
    number<UDINT_t>(), number<LINT_t>(), number<ULINT_t>(), number<REAL_t>(), number<LREAL_t>(), number<BYTE_t>(),
    number<WORD_t>(), number<DWORD_t>(), number<LWORD_t>(), number<TIME_t>(), number<DATE_t>(), number<TOD_t>(),
    number<DT_t>(), {&force_string, &unforce_string, &read_string, 1 + DEBUG_STRING_CAP},
    {&force_wstring, &unforce_wstring, &read_wstring, 1 + 2 * DEBUG_STRING_CAP},
};
