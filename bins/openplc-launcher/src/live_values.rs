//! The values of a running program: a table that is refreshed in place on a terminal, a line each second elsewhere.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use openplc_debug::dialect::Dialect;
use openplc_debug::frame;
use openplc_debug::iec_type::IecType;
use openplc_debug::value::Value;
use openplc_wire::control::{Answer, Request, Status};
use openplc_wire::figures::Detail;
use openplc_wire::frame::Kind;
use openplc_wire::manifest::{Generation, ProgramId, Variable};
use openplc_wire::transport::Connection;

use crate::console::Console;

/// Longest time for one answer of the core.
const PATIENCE: Duration = Duration::from_secs(10);
/// Time between two refreshes on a terminal, and elsewhere.
const REFRESH: Duration = Duration::from_millis(200);
const LINE: Duration = Duration::from_secs(1);
/// Variables shown: what fits on a screen.
const MOST: usize = 12;

/// Shows values until another program takes the place of `program`. A core that restarts is waited for.
pub fn show(console: &Console, core: &Path, program: &ProgramId) {
    while watch(console, core, program).is_err() {
        console.show_live(Vec::new());
        std::thread::sleep(LINE);
    }
    console.show_live(Vec::new());
    console.note("Another program has been loaded: the live values of the example end here.");
}

/// Shows values over one connection; ends when there is another program.
fn watch(console: &Console, core: &Path, program: &ProgramId) -> Result<()> {
    let mut core = Connection::open(core, PATIENCE).context("Cannot connect to openplc-core")?;
    let (dialect, shown) = variables(&mut core)?;
    loop {
        let status = status(&mut core)?;
        if status
            .program
            .as_ref()
            .is_none_or(|current| current.program != *program)
        {
            return Ok(());
        }
        let values = values(&mut core, dialect, &shown)?;
        if console.is_terminal() {
            console.show_live(table(&status, &shown, &values));
            std::thread::sleep(REFRESH);
        } else {
            console.note(&line(&status, &shown, &values));
            std::thread::sleep(LINE);
        }
    }
}

/// A variable that is shown.
#[derive(Debug)]
struct Shown {
    index: u32,
    iec_type: IecType,
    name: String,
    location: Option<String>,
}

fn variables(core: &mut Connection) -> Result<(Dialect, Vec<Shown>)> {
    match ask(core, &Request::Variables)? {
        Answer::Variables { program, variables } => {
            let dialect = match program.map(|program| program.generation) {
                Some(Generation::Strucpp) => Dialect::Strucpp,
                Some(Generation::Matiec) | None => Dialect::Matiec,
            };
            let shown = variables.iter().filter_map(|variable| shown(dialect, variable));
            // What is inside function blocks is seldom what a first look is for.
            let shown = shown.filter(|variable| !variable.name.contains('.')).take(MOST);
            Ok((dialect, shown.collect()))
        }
        _ => bail!("openplc-core gave no variables"),
    }
}

fn shown(dialect: Dialect, variable: &Variable) -> Option<Shown> {
    // Without configuration, resource and instance, which are the same for all.
    let depth = match dialect {
        Dialect::Matiec => 4,
        Dialect::Strucpp => 2,
    };
    dialect.has_address(variable.index).then_some(())?;
    Some(Shown {
        index: variable.index,
        iec_type: IecType::from_name(&variable.iec_type)?,
        name: variable.path.splitn(depth, '.').last()?.to_owned(),
        location: variable.location.clone(),
    })
}

fn status(core: &mut Connection) -> Result<Status> {
    match ask(
        core,
        &Request::Status {
            detail: Detail::Totals,
        },
    )? {
        Answer::Status(status) => Ok(*status),
        _ => bail!("openplc-core gave no status"),
    }
}

/// None while the program is stopped.
fn values(core: &mut Connection, dialect: Dialect, shown: &[Shown]) -> Result<Vec<Value>> {
    let mut values = Vec::new();
    for batch in shown.chunks(dialect.batch()) {
        let indexes: Vec<u32> = batch.iter().map(|variable| variable.index).collect();
        core.send_frame(Kind::Debug, &frame::list(dialect, &indexes), &[])
            .context("Cannot ask openplc-core")?;
        let answer = core.receive_frame().context("openplc-core does not answer")?;
        if answer.kind != Kind::Debug {
            return Ok(Vec::new());
        }
        let requested: Vec<_> = batch
            .iter()
            .map(|variable| (variable.index, variable.iec_type))
            .collect();
        values.extend(
            frame::parse_list(dialect, &answer.payload, &requested)
                .context("openplc-core sent no values")?
                .values,
        );
    }
    Ok(values)
}

fn ask(core: &mut Connection, request: &Request) -> Result<Answer> {
    core.send(request).context("Cannot ask openplc-core")?;
    Ok(core.receive().context("openplc-core does not answer")?.0)
}

fn summary(status: &Status) -> String {
    let mut text = status.state.as_str().to_owned();
    for task in &status.tasks {
        text += &format!("  {}: {} scans", task.name, task.scan_count);
        if let Some(spread) = &task.scan_time {
            text += &format!(", {:.1} µs each", spread.mean_ns / 1000.0);
        }
        if let Some(spread) = &task.cycle_latency {
            text += &format!(
                ", latest start {:.0} µs after its time",
                spread.max_ns as f64 / 1000.0
            );
        }
    }
    text
}

fn table(status: &Status, shown: &[Shown], values: &[Value]) -> Vec<String> {
    let width = |text: fn(&Shown) -> usize| shown.iter().map(text).max().unwrap_or(0);
    let name = width(|variable| variable.name.chars().count());
    let location = width(|variable| variable.location.as_ref().map_or(0, String::len));
    let mut lines = vec![String::new(), format!("  {}", summary(status))];
    lines.extend(shown.iter().zip(values).map(|(variable, value)| {
        let place = variable.location.as_deref().unwrap_or_default();
        format!(
            "  {:name$}  {place:location$}  {:6}  {value}",
            variable.name,
            variable.iec_type.name()
        )
    }));
    lines
}

fn line(status: &Status, shown: &[Shown], values: &[Value]) -> String {
    let mut text = summary(status);
    for (variable, value) in shown.iter().zip(values) {
        text += &format!("  {}={value}", variable.name);
    }
    text
}
