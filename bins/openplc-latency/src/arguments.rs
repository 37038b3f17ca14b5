//! The command line.

use std::time::Duration;

use clap::{Args, Parser, Subcommand};

const SHORTEST_PERIOD: Duration = Duration::from_micros(100);
const LONGEST_PERIOD: Duration = Duration::from_secs(1);
const SHORTEST_DURATION: Duration = Duration::from_secs(1);

const AFTER: &str = "\
Times are whole numbers with a unit: us, ms, s, m or h.

Stop the runtime first, or measure beside it what it leaves over. Ctrl-C ends the measurement early and reports.

Exit codes:
  0  no scan would have been missed
  1  scans would have been missed
  2  the command line is wrong
  3  the measurement could not be made";

/// Measures how punctually this computer starts the scans of a PLC task.
///
/// A thread like the one that executes a PLC program wakes up once per period and does nothing but note how late it is.
/// The report says whether a task of this period is safe here, and what to change if it is not.
#[derive(Debug, Parser)]
#[command(version, after_help = AFTER, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(flatten)]
    pub wish: Wish,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
    #[command(subcommand)]
    pub internal: Option<Internal>,
}

/// What to measure.
#[derive(Debug, Args)]
pub struct Wish {
    /// Period of the task, 100us to 1s
    #[arg(long, value_name = "TIME", default_value = "1ms", value_parser = period)]
    pub period: Duration,
    /// How long to measure; the rarer a delay, the longer it takes to find it
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = duration)]
    pub duration: Duration,
    /// Real-time priority (SCHED_FIFO), as the scan engine's
    #[arg(long, default_value_t = 80, value_parser = clap::value_parser!(i32).range(1..=99))]
    pub priority: i32,
    /// Measure on this CPU only
    #[arg(long, value_name = "NUMBER")]
    pub cpu: Option<usize>,
    /// Keep processors, memory, disk and timers busy meanwhile
    #[arg(long)]
    pub load: bool,
}

/// What the program calls itself with.
#[derive(Debug, Subcommand)]
pub enum Internal {
    /// Keep the computer busy until standard input ends.
    #[command(hide = true)]
    KeepBusy,
}

fn period(text: &str) -> Result<Duration, String> {
    let period = time(text)?;
    if (SHORTEST_PERIOD..=LONGEST_PERIOD).contains(&period) {
        Ok(period)
    } else {
        Err("a period is 100us to 1s long".into())
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration = time(text)?;
    if duration >= SHORTEST_DURATION {
        Ok(duration)
    } else {
        Err("measure for at least 1s".into())
    }
}

/// A whole number and a unit.
fn time(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let nanoseconds: u64 = match unit {
        "us" | "µs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return Err("give a unit: us, ms, s, m or h".into()),
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(nanoseconds))
        .map(Duration::from_nanos)
        .ok_or_else(|| "give a whole number and a unit, for example 500us".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completions_are_those_of_the_command_line() {
        openplc_completions::check(&<Arguments as clap::CommandFactory>::command());
    }

    #[test]
    fn times_have_units_and_bounds() {
        assert_eq!(time("250us"), Ok(Duration::from_micros(250)));
        assert_eq!(time("2h"), Ok(Duration::from_secs(7200)));
        for wrong in [
            "",
            "5",
            "ms",
            "-1ms",
            "1.5ms",
            "1 ms",
            "1d",
            "99999999999999999999s",
            "9999999999h",
        ] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
        assert!(period("99us").is_err() && period("1001ms").is_err() && period("100us").is_ok());
        assert!(duration("999ms").is_err() && duration("1s").is_ok());
    }

    #[test]
    fn the_command_line_is_consistent() {
        <Arguments as clap::CommandFactory>::command().debug_assert();
    }
}
