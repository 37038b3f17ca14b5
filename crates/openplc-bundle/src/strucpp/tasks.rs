//! The tasks in the constructor of the configuration.

use std::borrow::Cow;

use openplc_wire::manifest::Task;

/// Most tasks that are read: more is no program of an Editor.
const MOST: usize = 64;
/// Interval of a task that states none, as in OpenPLC Runtime v4.
const DEFAULT_INTERVAL_NS: u64 = 20_000_000;

/// The tasks that the sources construct: `TaskInstance("NAME", 20000000LL, 1, …)`. They are for people to read; the program
/// itself says what is executed.
pub(super) fn parse(sources: &[Cow<'_, str>]) -> Vec<Task> {
    let found = sources
        .iter()
        .flat_map(|source| source.split("TaskInstance").skip(1))
        .filter_map(task);
    let mut tasks: Vec<Task> = found.take(MOST).collect();
    if tasks.is_empty() {
        tasks.push(Task {
            name: "plc".into(),
            interval_ns: DEFAULT_INTERVAL_NS,
            priority: 0,
        });
    }
    tasks
}

fn task(text: &str) -> Option<Task> {
    let arguments = text.trim_start().strip_prefix(['(', '{'])?.trim_start();
    let (name, rest) = arguments.strip_prefix('"')?.split_once('"')?;
    let mut numbers = rest.trim_start().strip_prefix(',')?.split([',', ')', '}']);
    let mut number = || {
        let digits = numbers.next()?.trim().trim_end_matches(['L', 'U', 'l', 'u']);
        digits.parse::<u64>().ok()
    };
    let interval_ns = number()?;
    let priority = u32::try_from(number()?).ok()?;
    let is_name = name.len() <= 128 && !name.chars().any(char::is_control);
    is_name.then(|| Task {
        name: name.to_owned(),
        interval_ns: if interval_ns == 0 {
            DEFAULT_INTERVAL_NS
        } else {
            interval_ns
        },
        priority,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_found_in_both_forms() {
        let source = "tasks_storage[0] = TaskInstance(\"FAST\", 1000000LL, 0, &x[0], 1);\n\
                      tasks_storage[1] = TaskInstance{\n  \"SLOW\", 0, 7, nullptr, 0};\nTaskInstance tasks_storage[2];";
        let tasks = parse(&[source.into()]);
        let found: Vec<_> = tasks
            .iter()
            .map(|task| (task.name.as_str(), task.interval_ns, task.priority))
            .collect();
        assert_eq!(found, [("FAST", 1_000_000, 0), ("SLOW", 20_000_000, 7)]);
    }

    #[test]
    fn what_is_not_understood_is_one_task() {
        for source in ["", "TaskInstance(\"X\", T#1s, 0)", "TaskInstance(name, 1, 2)"] {
            assert_eq!(parse(&[source.into()]).len(), 1, "{source}");
        }
    }
}
