//! Scan interval (`Config0.c`) and IEC tasks (`Res0.c`).

use openplc_wire::manifest::Task;

/// Name of the task of a program that names none.
const UNNAMED: &str = "plc";

/// Most tasks that are listed.
const MOST_TASKS: usize = 64;

/// Value of `unsigned long long common_ticktime__ = 20000000ULL * 1ULL;` in nanoseconds: a product of whole numbers.
pub(super) fn common_tick(configuration: &str) -> Option<u64> {
    let mut rest = configuration;
    while let Some(at) = rest.find("common_ticktime__") {
        rest = &rest[at + "common_ticktime__".len()..];
        let Some(value) = rest
            .trim_start()
            .strip_prefix('=')
            .and_then(|value| value.split(';').next())
        else {
            continue;
        };
        return value
            .split('*')
            .map(whole_number)
            .try_fold(1u64, |product, factor| product.checked_mul(factor?))
            .filter(|ns| *ns > 0);
    }
    None
}

fn whole_number(text: &str) -> Option<u64> {
    // A cast may stand in front: `(unsigned long)0UL`.
    let digits = text.rsplit(')').find(|part| !part.trim().is_empty())?;
    digits
        .trim()
        .trim_start_matches('(')
        .trim_end_matches(['u', 'U', 'l', 'L'])
        .parse()
        .ok()
}

/// The tasks in `NAME = !(tick % N);`, which run every `N` ticks of `tick_ns` nanoseconds. MatIEC keeps no priorities.
pub(super) fn parse(resource: &str, tick_ns: u64) -> Vec<Task> {
    let mut tasks: Vec<Task> = Vec::new();
    for statement in resource.split(';') {
        let Some((name, ticks)) = periodic(statement) else {
            continue;
        };
        if tasks.len() < MOST_TASKS && tasks.iter().all(|task| task.name != name) {
            tasks.push(Task {
                name: name.to_owned(),
                interval_ns: tick_ns.saturating_mul(ticks),
                priority: 0,
            });
        }
    }
    if tasks.is_empty() {
        tasks.push(Task {
            name: UNNAMED.into(),
            interval_ns: tick_ns,
            priority: 0,
        });
    }
    tasks
}

fn periodic(statement: &str) -> Option<(&str, u64)> {
    let (target, condition) = statement.rsplit_once('=')?;
    let condition: String = condition.chars().filter(|c| !c.is_whitespace()).collect();
    let ticks = condition.strip_prefix("!(tick%")?.strip_suffix(')')?;
    let ticks = whole_number(ticks).filter(|ticks| *ticks > 0)?;
    let name = target.split_whitespace().next_back()?;
    let is_identifier = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (is_identifier && name.len() <= 64).then_some((name, ticks))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scan_interval_is_a_product_of_numbers() {
        assert_eq!(
            common_tick("unsigned long long common_ticktime__ = 20000000ULL; /*ns*/"),
            Some(20_000_000)
        );
        assert_eq!(
            common_tick("extern x common_ticktime__;\ncommon_ticktime__=1000000ULL * 50ULL ;"),
            Some(50_000_000)
        );
        assert_eq!(
            common_tick("unsigned long long common_ticktime__ = (unsigned long long)100UL;"),
            Some(100)
        );
        for bad in [
            "",
            "common_ticktime__ = x;",
            "common_ticktime__ = 0;",
            "common_ticktime__ = 99999999999 * 99999999999;",
        ] {
            assert_eq!(common_tick(bad), None, "{bad}");
        }
    }

    #[test]
    fn tasks_run_every_so_many_ticks() {
        let source = "void RES0_run__(unsigned long tick) {\r\n  FAST = !(tick % 1);\r\n  if (FAST) {\r\n    MAIN_body__(&INSTANCE0);\r\n  }\r\n  SLOW = !( tick % 5UL );\r\n}";
        let tasks = parse(source, 20_000_000);
        let found: Vec<_> = tasks
            .iter()
            .map(|task| (task.name.as_str(), task.interval_ns))
            .collect();
        assert_eq!(found, [("FAST", 20_000_000), ("SLOW", 100_000_000)]);
    }

    #[test]
    fn a_program_without_tasks_has_one() {
        let tasks = parse("MAIN_body__(&INSTANCE0);", 1_000_000);
        assert_eq!(
            tasks,
            [Task {
                name: "plc".into(),
                interval_ns: 1_000_000,
                priority: 0
            }]
        );
    }
}
