//! The core's status in the Editor's words.

use openplc_wire::control::Status;
use openplc_wire::figures::{Spread, TaskStatistics};
use serde_json::{Map, Value, json};

/// The answer to `status`; the figures only when they are asked for, with those of `plugins` where there are any.
///
/// The Editor 4.1 reads the figures of one task from the object itself, the Editor 4.2 all tasks from `tasks`. Neither looks
/// at `runtime`, where ours are: all that the core told.
pub fn document(status: &Status, with_figures: bool, plugins: Option<Value>) -> Value {
    let mut document = json!({ "status": format!("STATUS:{}", status.state.as_str()) });
    if with_figures {
        let mut figures = status.tasks.first().map_or_else(no_figures, figures);
        let tasks: Vec<Value> = status
            .tasks
            .iter()
            .map(|task| {
                let mut figures = self::figures(task);
                figures.insert("name".into(), task.name.clone().into());
                figures.into()
            })
            .collect();
        figures.insert("tasks".into(), tasks.into());
        figures.extend(plugins.map(|plugins| ("plugin_stats".to_owned(), plugins)));
        document["timing_stats"] = figures.into();
        document["runtime"] = json!({
            "error": status.error,
            "program": status.program,
            "errors": status.errors,
            "tasks": status.tasks,
            "real_time": status.real_time,
            "settings_problems": status.settings_problems,
            "uptime_s": status.uptime_s,
        });
    }
    document
}

/// In microseconds; null before the first scan.
fn figures(task: &TaskStatistics) -> Map<String, Value> {
    let mut figures = Map::new();
    figures.insert("scan_count".into(), task.scan_count.into());
    // What OpenPLC Runtime v4 counts here: every scan that was not on time.
    figures.insert("overruns".into(), task.skipped.into());
    for (name, spread) in [
        ("scan_time", &task.scan_time),
        ("cycle_time", &task.cycle_time),
        ("cycle_latency", &task.cycle_latency),
    ] {
        insert_spread(&mut figures, name, spread.as_ref());
    }
    figures
}

fn no_figures() -> Map<String, Value> {
    let none = TaskStatistics {
        name: String::new(),
        interval_ns: 0,
        scan_count: 0,
        overruns: 0,
        skipped: 0,
        scan_time: None,
        cycle_time: None,
        cycle_latency: None,
    };
    figures(&none)
}

fn insert_spread(figures: &mut Map<String, Value>, name: &str, spread: Option<&Spread>) {
    #[expect(clippy::cast_precision_loss, reason = "2^53 ns are a hundred days")]
    let microseconds = |nanoseconds: u64| nanoseconds as f64 / 1000.0;
    figures.insert(
        format!("{name}_min"),
        spread.map(|spread| microseconds(spread.min_ns)).into(),
    );
    figures.insert(
        format!("{name}_max"),
        spread.map(|spread| microseconds(spread.max_ns)).into(),
    );
    figures.insert(
        format!("{name}_avg"),
        spread.map(|spread| spread.mean_ns / 1000.0).into(),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use openplc_wire::control::PlcState;

    fn task(name: &str, scan_count: u64, scan_time: Option<Spread>) -> TaskStatistics {
        TaskStatistics {
            name: name.into(),
            interval_ns: 20_000_000,
            scan_count,
            overruns: 1,
            skipped: 4,
            scan_time,
            cycle_time: None,
            cycle_latency: None,
        }
    }

    fn status(tasks: Vec<TaskStatistics>) -> Status {
        Status {
            state: PlcState::Running,
            error: None,
            errors: 2,
            program: None,
            tasks,
            real_time: "SCHED_FIFO".into(),
            settings_problems: vec!["core.toml, line 2: no".into()],
            uptime_s: 5,
        }
    }

    #[test]
    fn figures_are_shown_on_request_only() {
        assert_eq!(
            document(&status(vec![]), false, None),
            json!({ "status": "STATUS:RUNNING" })
        );
    }

    #[test]
    fn both_generations_find_their_figures() {
        let spread = Spread {
            count: 7,
            min_ns: 1_500,
            max_ns: 2_500,
            mean_ns: 2_000.0,
            sum_ns: 14_000,
            percentiles: None,
            histogram: Some(vec![(1_500, 1_503, 7).into()]),
        };
        let document = document(
            &status(vec![task("fast", 7, Some(spread)), task("slow", 0, None)]),
            true,
            Some(json!({ "p": {} })),
        );
        assert_eq!(document["timing_stats"]["plugin_stats"], json!({ "p": {} }));
        let figures = &document["timing_stats"];
        assert_eq!(figures["scan_count"], 7);
        assert_eq!(figures["scan_time_min"], 1.5);
        assert_eq!(figures["scan_time_avg"], 2.0);
        assert_eq!(figures["cycle_time_max"], Value::Null);
        assert_eq!(figures["tasks"][0]["name"], "fast");
        assert_eq!(figures["tasks"][0]["scan_time_max"], 2.5);
        assert_eq!(figures["tasks"][1]["scan_time_max"], Value::Null);
        assert_eq!(
            figures["tasks"][1]["overruns"], 4,
            "every skipped scan, as v4 counts"
        );
        let ours = &document["runtime"];
        assert_eq!(ours["errors"], 2);
        assert_eq!(
            (&ours["tasks"][0]["overruns"], &ours["tasks"][0]["skipped"]),
            (&json!(1), &json!(4))
        );
        assert_eq!(
            ours["tasks"][0]["scan_time"]["histogram"],
            json!([[1500, 1503, 7]])
        );
    }

    #[test]
    fn without_a_task_the_figures_are_empty() {
        let document = document(&status(vec![]), true, None);
        assert_eq!(document["timing_stats"]["scan_count"], 0);
        assert_eq!(document["timing_stats"]["tasks"], json!([]));
    }
}
