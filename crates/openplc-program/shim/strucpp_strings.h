/* Strings of a STruC++ program: how they lie in memory, and what a debugger does with them. Part of strucpp.cpp, in its
 * namespace.
 *
 * A string has room for as many characters as its declaration says. The table of debug variables of newer headers tells how
 * many; with older ones the debugger takes every string for one of the default length, and would read and write beyond those
 * that are shorter. For these the build makes a list out of the table (OPENPLC_STRING, below), from which the compiler knows the type
 * of each. */

enum { STRING_CAPACITY = 254 };

/* --- Where the headers tell how long a string can be -------------------------------------------------------------------- */

template <typename E> auto knows_capacity(first) -> decltype(std::declval<E>().cap, std::true_type());
template <typename> std::false_type knows_capacity(second);
template <typename E> auto capacity_of(const E &entry, first) -> decltype(static_cast<uint32_t>(entry.cap)) {
    return entry.cap ? entry.cap : STRING_CAPACITY;
}
template <typename E> uint32_t capacity_of(const E &, second) { return STRING_CAPACITY; }

/* Bytes of a string of this capacity: the characters, their end, and the rest that all have in common. */
template <template <size_t> class String> struct storage {
    static constexpr size_t alignment = alignof(String<STRING_CAPACITY>);
    static constexpr size_t characters(size_t capacity, size_t width) {
        return ((capacity + 1) * width + alignment - 1) / alignment * alignment;
    }
    static constexpr size_t size(size_t capacity, size_t width) {
        return characters(capacity, width) + sizeof(String<STRING_CAPACITY>) - characters(STRING_CAPACITY, width);
    }
    static constexpr bool understood(size_t width) {
        return size(1, width) == sizeof(String<1>) && size(80, width) == sizeof(String<80>) &&
               size(81, width) == sizeof(String<81>);
    }
};

inline bool is_string(const strucpp::debug::Entry &entry) {
    return entry.tag == strucpp::debug::TAG_STRING || entry.tag == strucpp::debug::TAG_WSTRING;
}

/* Bytes of the value in memory; 0 where that is not known. */
inline uint32_t stored_string_size(const strucpp::debug::Entry &entry) {
    if (!decltype(knows_capacity<strucpp::debug::Entry>(first()))::value)
        return 0;
    const uint32_t capacity = capacity_of(entry, first());
    if (entry.tag == strucpp::debug::TAG_STRING)
        return storage<strucpp::IECString>::understood(1)
                   ? static_cast<uint32_t>(storage<strucpp::IECString>::size(capacity, 1))
                   : 0;
    return storage<strucpp::IECWString>::understood(2)
               ? static_cast<uint32_t>(storage<strucpp::IECWString>::size(capacity, 2))
               : 0;
}

/* The size of each kind, and where in it the characters lie. */
inline uint64_t string_layout() {
    static const strucpp::IECString<STRING_CAPACITY> narrow{};
    static const strucpp::IECWString<STRING_CAPACITY> wide{};
    const auto place = [](const void *object, const void *characters, size_t size) {
        const auto offset = static_cast<const char *>(characters) - static_cast<const char *>(object);
        return static_cast<uint64_t>(size) << 16 | static_cast<uint16_t>(offset);
    };
    return place(&narrow, narrow.c_str(), sizeof narrow) << 32 | place(&wide, wide.c_str(), sizeof wide);
}

/* --- Where they do not ---------------------------------------------------------------------------------------------------- */

/* A string of the list. */
struct listed_string {
    uint32_t address;
    uint32_t stored_size;
    void (*read)(const void *variable, uint8_t *into);
    void (*force)(void *variable, const uint8_t *value);
    void (*release)(void *variable);
};

/* As a debugger has it: a number of characters, and places for 126. */
template <typename Variable> struct string_frame {
    using Text = typename std::decay<decltype(std::declval<const Variable &>().get())>::type;
    using Character = typename std::decay<decltype(*std::declval<const Text &>().c_str())>::type;
    enum { PLACES = 126, WIDTH = sizeof(Character) };

    static void read(const void *variable, uint8_t *into) {
        const Text text = static_cast<const Variable *>(variable)->get();
        const size_t length = text.length() < PLACES ? text.length() : static_cast<size_t>(PLACES);
        memset(into, 0, 1 + PLACES * WIDTH);
        into[0] = static_cast<uint8_t>(length);
        for (size_t at = 0; at < length * WIDTH; at++)
            into[1 + at] = static_cast<uint8_t>(text.c_str()[at / WIDTH] >> 8 * (at % WIDTH));
    }
    static void force(void *variable, const uint8_t *value) {
        Character characters[PLACES] = {};
        const size_t length = value[0] < PLACES ? value[0] : static_cast<size_t>(PLACES);
        for (size_t at = 0; at < length; at++)
            for (size_t byte = 0; byte < WIDTH; byte++)
                characters[at] = static_cast<Character>(characters[at] | value[1 + at * WIDTH + byte] << 8 * byte);
        static_cast<Variable *>(variable)->force(Text(characters, length));
    }
    static void release(void *variable) { static_cast<Variable *>(variable)->unforce(); }
};

template <typename Variable>
constexpr auto list_string(uint32_t address, const Variable *, first)
    -> decltype(std::declval<const Variable &>().get().c_str(), std::declval<Variable &>().unforce(), listed_string()) {
    using frame = string_frame<Variable>;
    return {address, sizeof(typename frame::Text), frame::read, frame::force, frame::release};
}
/* Something else: nothing is known of it. */
template <typename Variable> constexpr listed_string list_string(uint32_t address, const Variable *, second) {
    return {address, 0, nullptr, nullptr, nullptr};
}

/* The list has one for each string, in the order of their addresses. The variable itself is not looked at. */
#define OPENPLC_STRING(address, ...)                                                                                            \
    list_string(address, static_cast<std::remove_reference<decltype((__VA_ARGS__))>::type *>(nullptr), first()),
