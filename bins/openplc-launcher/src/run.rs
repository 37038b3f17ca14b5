//! From the command line to a running supervisor.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Parser;
use nix::sys::signalfd::SignalFd;
use nix::unistd::{Uid, User, geteuid};
use openplc_wire::{IMAGE_SOCKET_VARIABLE, PLUGIN_FOLDER_VARIABLE, VENV_FOLDER_VARIABLE};

use crate::accounts_import::import;
use crate::arguments::{Arguments, Internal};
use crate::builds::Builds;
use crate::confine::confine_and_execute;
use crate::console::{Console, Priority};
use crate::example::Example;
use crate::identity::Identities;
use crate::notify::NotifySocket;
use crate::orphans;
use crate::places::{Places, passage, private_folder, shared_folder};
use crate::plugins::{Circumstances, Plugins};
use crate::service::Service;
use crate::sockets::{self, listen_discovery, listen_tcp, listen_unix};
use crate::spawn::{Inherited, Recipe, find_program};
use crate::supervisor::{Supervisor, receive_signals};
use crate::unit::Unit;

/// Longest silence of the API, which may be hashing a password on a slow machine.
const API_WATCHDOG: Duration = Duration::from_secs(30);
/// Longest silence of the core.
const CORE_WATCHDOG: Duration = Duration::from_secs(2);
/// Longest times from SIGTERM to the end, one after the other. Container engines kill everything after ten seconds.
const API_STOP: Duration = Duration::from_secs(4);
const CORE_STOP: Duration = Duration::from_secs(5);

/// Runs the launcher, or what it calls itself for.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    match &arguments.internal {
        None => {}
        Some(Internal::Confine(confinement)) => {
            eprintln!("<3>{:#}", confine_and_execute(confinement));
            return ExitCode::FAILURE;
        }
        Some(Internal::ImportAccounts { from, to }) => return import_accounts(from, to),
    }
    // Before any thread starts: a thread that does not block the signals would receive them.
    let signals = receive_signals();
    let console = Arc::new(Console::open());
    let code = match signals.and_then(|signals| launch(arguments, signals, &console)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console.say(Priority::ERROR, &format!("{error:#}"));
            ExitCode::FAILURE
        }
    };
    console.flush();
    code
}

/// The whole process, with a log as of sd-daemon(3).
fn import_accounts(from: &Path, to: &Path) -> ExitCode {
    let (code, text) = match import(from, to, None) {
        Ok(true) => (
            ExitCode::SUCCESS,
            format!("<6>Took over the accounts in {}", from.display()),
        ),
        Ok(false) => (
            ExitCode::SUCCESS,
            format!(
                "<4>Took over no accounts: {0} has none with their secrets (.env), or {1} has some already",
                from.display(),
                to.display()
            ),
        ),
        Err(error) => (
            ExitCode::FAILURE,
            format!("<3>Cannot take over the accounts in {}: {error}", from.display()),
        ),
    };
    eprintln!("{text}");
    code
}

fn launch(arguments: Arguments, signals: SignalFd, console: &Arc<Console>) -> Result<()> {
    let example = arguments.example.as_deref().map(Example::find).transpose()?;
    let places = Places::choose(arguments.data, arguments.config, geteuid().is_root())?;
    let (identities, warning) = Identities::find()?;
    for warning in [places.warning(), warning].into_iter().flatten() {
        console.say(Priority::WARNING, &warning);
    }
    if let Err(error) = orphans::adopt() {
        let text = format!(
            "Processes that a service leaves behind when it ends will stay: this system does not hand them over ({error})"
        );
        console.say(Priority::WARNING, &text);
    }
    let _lock = places.prepare(&identities)?;
    let listener = listen_tcp(arguments.listen)?;
    let discovery = match listen_discovery(arguments.listen, arguments.discovery) {
        // Who asked for this address expects it; otherwise it is not worth a plant.
        Err(error) if arguments.discovery.is_none() => {
            console.say(Priority::WARNING, &format!("{error:#}"));
            None
        }
        opened => opened?,
    };
    let address = listener.local_addr().context("Cannot tell our own address")?;
    console.say(
        Priority::INFO,
        &format!("Data: {}; API: {address}", places.data.display()),
    );

    let builds = Builds::new(
        // Not for the group: the core, and so a program, has no builds to ask for.
        listen_unix(
            &places.compile_socket(),
            identities.api.as_ref().map(|user| user.gid),
        )?,
        Recipe {
            program: find_program("openplc-compile")?,
            arguments: Vec::new(),
            environment: vec![settings(&places)],
            user: name(identities.compile.as_ref()),
            real_time: false,
            expendable: true,
            network: false,
        },
        identities.compile.clone(),
        places.builds(),
    )?;
    let plugin_group = identities.plugin.as_ref().map(|user| user.gid);
    let core_sockets = vec![
        Inherited {
            name: "control",
            socket: listen_unix(&places.core_socket(), identities.group)?.into(),
        },
        Inherited {
            name: "image",
            socket: listen_unix(&places.image_socket(), plugin_group)?.into(),
        },
    ];
    let plugins = plugins(&places, &identities)?;
    sockets::remove(&places.notify_socket()).context("Cannot remove an old socket")?;
    let notify =
        NotifySocket::bind(&places.notify_socket()).context("Cannot open the notification socket")?;
    let mut api_sockets = vec![Inherited {
        name: "https",
        socket: listener.into(),
    }];
    api_sockets.extend(discovery.map(|socket| Inherited {
        name: "discovery",
        socket: socket.into(),
    }));
    let units = vec![
        api(&places, &identities, api_sockets, console)?,
        core(&places, &identities, core_sockets)?,
    ];
    let supervisor = Supervisor::new(
        Arc::clone(console),
        signals,
        notify,
        builds,
        plugins,
        units,
        ready_text(address),
    );
    if let Some(example) = example {
        example.start(Arc::clone(console), &places, address);
    }
    supervisor.run()?;
    console.say(Priority::INFO, "Stopped");
    Ok(())
}

fn api(places: &Places, identities: &Identities, sockets: Vec<Inherited>, console: &Console) -> Result<Unit> {
    let state = own_folder(&places.api_state(), identities.api.as_ref())?;
    if import(&places.data, &state, identities.api.as_ref())
        .context("Cannot take over the accounts of OpenPLC Runtime v4")?
    {
        console.say(Priority::INFO, "Took over the accounts of OpenPLC Runtime v4");
    }
    let recipe = Recipe {
        program: find_program("openplc-api")?,
        arguments: vec![
            "--core-socket".into(),
            places.core_socket().into(),
            "--compile-socket".into(),
            places.compile_socket().into(),
            // Nobody would start it again.
            "--exit-when-idle".into(),
            "0".into(),
        ],
        environment: vec![
            settings(places),
            ("STATE_DIRECTORY", state.into()),
            ("NOTIFY_SOCKET", places.notify_socket().into()),
            ("WATCHDOG_USEC", microseconds(API_WATCHDOG)),
        ],
        user: name(identities.api.as_ref()),
        real_time: false,
        expendable: false,
        network: false,
    };
    Ok(Unit {
        name: "openplc-api".into(),
        recipe,
        sockets,
        user: user_id(identities.api.as_ref()),
        service: Service::new(API_WATCHDOG, API_STOP, Instant::now()),
    })
}

fn core(places: &Places, identities: &Identities, sockets: Vec<Inherited>) -> Result<Unit> {
    let state = own_folder(&places.core_state(), identities.core.as_ref())?;
    let mut folders = places.core_transient().into_iter();
    let runtime = folders
        .find_map(|folder| own_folder(&folder, identities.core.as_ref()).ok())
        .context("Cannot make a folder for what the core makes and nobody misses later")?;
    let recipe = Recipe {
        program: find_program("openplc-core")?,
        arguments: Vec::new(),
        environment: vec![
            settings(places),
            ("STATE_DIRECTORY", state.into()),
            ("RUNTIME_DIRECTORY", runtime.into()),
            (PLUGIN_FOLDER_VARIABLE, places.plugin_folder().into()),
            ("NOTIFY_SOCKET", places.notify_socket().into()),
            ("WATCHDOG_USEC", microseconds(CORE_WATCHDOG)),
            // Stacks of threads that have ended are not kept: locked memory holds all of them.
            ("GLIBC_TUNABLES", "glibc.pthread.stack_cache_size=1048576".into()),
        ],
        user: name(identities.core.as_ref()),
        real_time: true,
        expendable: false,
        network: false,
    };
    Ok(Unit {
        name: "openplc-core".into(),
        recipe,
        sockets,
        user: user_id(identities.core.as_ref()),
        service: Service::new(CORE_WATCHDOG, CORE_STOP, Instant::now()),
    })
}

fn plugins(places: &Places, identities: &Identities) -> Result<Plugins> {
    let folder = places.plugin_folder();
    let user = identities.plugin.as_ref();
    // Emptied: what a launcher that was killed has left there is configured no longer.
    shared_folder(&folder, identities.core.as_ref(), user.map(|user| user.gid))
        .with_context(|| format!("Cannot use the folder {}", folder.display()))?;
    let recipe = Recipe {
        program: PathBuf::new(),
        arguments: Vec::new(),
        environment: vec![
            settings(places),
            (PLUGIN_FOLDER_VARIABLE, folder.clone().into()),
            (IMAGE_SOCKET_VARIABLE, places.image_socket().into()),
            (VENV_FOLDER_VARIABLE, places.venvs().into()),
        ],
        user: name(user),
        real_time: false,
        expendable: false,
        network: true,
    };
    Plugins::new(Circumstances {
        folder,
        settings: places.settings.clone(),
        state: passage(&places.plugin_state()).context("Cannot use the folder of the plugins")?,
        user: user.cloned(),
        recipe,
    })
}

/// Where a service finds its settings file; the variable is systemd's.
fn settings(places: &Places) -> (&'static str, OsString) {
    ("CONFIGURATION_DIRECTORY", places.settings.clone().into())
}

fn own_folder(path: &Path, owner: Option<&User>) -> Result<std::path::PathBuf> {
    private_folder(path, owner).with_context(|| format!("Cannot use the folder {}", path.display()))?;
    Ok(path.to_owned())
}

fn name(user: Option<&User>) -> Option<String> {
    user.map(|user| user.name.clone())
}

fn user_id(user: Option<&User>) -> Uid {
    user.map_or_else(geteuid, |user| user.uid)
}

fn microseconds(duration: Duration) -> OsString {
    duration.as_micros().to_string().into()
}

fn ready_text(address: SocketAddr) -> String {
    format!(
        "OpenPLC Runtime is ready on port {}: connect the OpenPLC Editor",
        address.port()
    )
}
