//! From process start to orderly end.

use std::env;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use anyhow::{Context, bail};
use listenfd::ListenFd;
use nix::sys::signal::{SigSet, Signal};
use openplc_engine::faults::Verdict;
use openplc_image::Sizes;
use openplc_rt::{fault_record, memory, process};
use openplc_service::{NotifyState, ServiceManager};
use openplc_settings::core::Core;
use openplc_settings::{Loaded, Problem};
use openplc_wire::IMAGE_SOCKET;

use crate::communication;
use crate::confinement::confine;
use crate::fault_history::{Death, FaultHistory};
use crate::housekeeping;
use crate::in_scan_plugin::InScanPlugin;
use crate::last_end::{self, LastEnd};
use crate::loaded::Services;
use crate::log_ids;
use crate::log_ring::LogRing;
use crate::machine::Machine;
use crate::plugins;
use crate::process_image::ProcessImage;
use crate::program_output;
use crate::python_process;
use crate::real_time::Granted;
use crate::retention::Retention;
use crate::scan::ScanSlot;
use crate::server;
use crate::store::Store;
use crate::trial;
use crate::watchdog::{self, Pulse};

/// Stack of the threads that serve clients and Python blocks, in bytes. Small, because locked memory holds all of it.
pub const STACK: usize = 256 << 10;

/// The process: a trial of one program when it was started as one, otherwise the daemon.
pub fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    match arguments.as_slice() {
        [] => {}
        [first, object] if first == trial::ARGUMENT => return trial::run(Path::new(object)),
        [first] if first == last_end::ARGUMENT => return last_end::note(),
        [first, script] if first == python_process::ARGUMENT => {
            return python_process::run(Path::new(script));
        }
        _ => {
            eprintln!("openplc-core takes no arguments; systemd or openplc-launcher starts it");
            return ExitCode::from(2);
        }
    }
    memory::use_one_heap();
    let log = LogRing::default();
    let Loaded { settings, problems } = openplc_settings::load::<Core>();
    openplc_logging::init_with("openplc-core", settings.log_level.word(), Box::new(log.clone()));
    // Standard error is the program's; what panics says it in the log, and ends the process, whose state is unknown: outputs are
    // off then.
    std::panic::set_hook(Box::new(|panic| {
        fault_record::note_defect(&panic.to_string());
        tracing::error!("The scan engine broke: {panic}");
        std::process::abort();
    }));
    for problem in &problems {
        tracing::warn!("{problem}");
    }
    let code = match run(log, &settings, &problems) {
        Ok(()) => 0,
        Err(error) => {
            fault_record::expect_end();
            tracing::error!("The scan engine cannot run: {error:#}");
            last_end::CANNOT_RUN
        }
    };
    // What programs that stay in memory would do at their end is not to hold up this one.
    process::end_at_once(code.into())
}

/// Runs until SIGTERM or SIGINT.
fn run(log: LogRing, settings: &Core, problems: &[Problem]) -> anyhow::Result<()> {
    // Blocked before there is a second thread, so that only the wait below receives them.
    let ending = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
    ending.thread_block().context("blocking SIGTERM")?;

    let Sockets { control, image } = inherited_sockets()?;
    let state = env::var_os("STATE_DIRECTORY").map(PathBuf::from);
    let state =
        state.context("STATE_DIRECTORY is not set: start openplc-core by systemd or openplc-launcher")?;
    let store = Store::open(state)?;
    log_ids::go_on(&log, store.directory());

    // Outputs are off from the first moment, whatever ended the process before.
    let process_image = ProcessImage::new(&Sizes::default(), settings.outputs.clone());
    let process_image = Arc::new(process_image.context("making the process image")?);
    let faults = FaultHistory::new(&store);
    let death = faults.take_recorded(LastEnd::take());
    fault_record::install(faults.open_record()?).context("catching fatal signals")?;
    let services = Services::default();
    let program_log = services.log.clone();
    // One that has faulted too often is not even loaded: it might do it there.
    let in_scan_plugin = match death {
        Some(Death::FaultOfPlugin(_, Verdict::Stop)) => None,
        _ => InScanPlugin::load(&settings.in_scan_plugin, program_log.clone()),
    };
    let in_scan_plugin = in_scan_plugin.map(Arc::new);
    let (slot, scheduling) =
        ScanSlot::start(&settings.real_time, process_image.clone()).context("starting the scan thread")?;
    if let Some(hooks) = in_scan_plugin.as_ref().and_then(|plugin| plugin.hooks()) {
        slot.set_plugin(hooks);
    }
    let real_time = Granted::with_memory(scheduling);
    let manager = ServiceManager::from_environment();
    confine();
    if real_time.is_complete() {
        tracing::info!("Real time: {}", real_time.describe());
    } else {
        tracing::warn!("Real time: {}", real_time.describe());
    }

    python_process::clean_up();
    program_output::capture().context("capturing what programs print")?;

    let retention = Retention::start(store.directory(), slot.clone(), settings.retain.interval)
        .context("starting the retention thread")?;
    let machine = Arc::new(Machine::new(
        slot.clone(),
        retention,
        store,
        services.clone(),
        real_time.describe(),
        problems.iter().map(ToString::to_string).collect(),
    ));
    // Before code of a program is executed, because that may hang: then it is these that notice.
    let pulse = Arc::new(Pulse::default());
    thread::Builder::new()
        .name("housekeeping".into())
        .stack_size(STACK)
        .spawn({
            let (machine, slot, manager) = (machine.clone(), slot.clone(), manager.clone());
            let pulse = pulse.clone();
            move || housekeeping::run(&machine, &slot, &program_log, &manager, &pulse)
        })
        .context("starting the housekeeping thread")?;
    watchdog::start(slot, pulse, manager.clone()).context("starting the watchdog thread")?;
    machine.resume(death);
    if let Some(plugin) = &in_scan_plugin {
        plugin.follow(machine.clone(), process_image.clone());
    }
    let plugins = image
        .map(|listener| {
            let within = in_scan_plugin.clone();
            plugins::start(listener, process_image, &machine, &log, &settings.plugins, within)
        })
        .transpose()
        .context("starting the image server")?;
    let carried = plugins.clone();
    let connect = move |address, protocol| match &carried {
        Some(plugins) => plugins.connect(address, protocol),
        None => Err("no plugin can work here: no image socket was passed".into()),
    };
    communication::start(services.communication, Box::new(connect))
        .context("starting the communication thread")?;
    server::start(control, machine.clone(), plugins.clone(), log).context("starting the control server")?;
    manager.notify(&NotifyState::Ready);

    let signal = ending.wait().context("waiting for SIGTERM")?;
    fault_record::expect_end();
    manager.notify(&NotifyState::Stopping);
    tracing::info!("{signal} was received: the PLC ends");
    machine.shut_down();
    if let Some(plugin) = in_scan_plugin {
        plugin.end();
    }
    if let Some(plugins) = plugins {
        plugins.end();
    }
    Ok(())
}

/// What the service manager has opened.
struct Sockets {
    /// For commands and status.
    control: UnixListener,
    /// For those who read the process image.
    image: Option<UnixListener>,
}

fn inherited_sockets() -> anyhow::Result<Sockets> {
    let mut inherited = ListenFd::from_env();
    let (mut control, mut image) = (None, None);
    for number in 0..inherited.len() {
        let listener = inherited
            .take_unix_listener(number)
            .context("an inherited socket is no Unix stream socket")?;
        let Some(listener) = listener else { continue };
        listener
            .set_nonblocking(false)
            .context("making an inherited socket blocking")?;
        // Told apart by their names: in which order systemd passes the sockets of several units is not defined.
        let address = listener
            .local_addr()
            .context("asking for an inherited socket's name")?;
        let is_image = address.as_pathname().and_then(Path::file_stem) == Path::new(IMAGE_SOCKET).file_stem();
        *if is_image { &mut image } else { &mut control } = Some(listener);
    }
    let Some(control) = control else {
        bail!("no socket was passed (LISTEN_FDS): start openplc-core by systemd or openplc-launcher");
    };
    Ok(Sockets { control, image })
}
