// Tasks, resources and the configuration. Included by iec_std_lib.hpp inside strucpp, after ProgramBase.
struct TaskInstance {
    const char *name;
    int64_t interval_ns;
    int32_t priority;
    ProgramBase **programs;
    size_t program_count;
    TaskInstance() noexcept : name(nullptr), interval_ns(0), priority(0), programs(nullptr), program_count(0) {}
    TaskInstance(const char *n, int64_t interval, int32_t prio, ProgramBase **progs, size_t count) noexcept
        : name(n), interval_ns(interval), priority(prio), programs(progs), program_count(count) {}
};

struct ResourceInstance {
    const char *name;
    const char *processor;
    TaskInstance *tasks;
    size_t task_count;
    ResourceInstance() noexcept : name(nullptr), processor(nullptr), tasks(nullptr), task_count(0) {}
    ResourceInstance(const char *n, const char *proc, TaskInstance *t, size_t count) noexcept
        : name(n), processor(proc), tasks(t), task_count(count) {}
};

struct ConfigurationInstance {
    virtual ~ConfigurationInstance() = default;
    virtual const char *get_name() const = 0;
    virtual ResourceInstance *get_resources() = 0;
    virtual size_t get_resource_count() const = 0;
};
