//! The worker's life: one connection, one build.

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use openplc_bundle::{Bundle, BundleError};
use openplc_settings::compile::{Compile, Optimisation};
use openplc_settings::{Loaded, Problem};
use openplc_wire::control::Level;
use openplc_wire::manifest::ProgramId;
use openplc_wire::memory_file;
use openplc_wire::transport::TransportError;

use crate::arguments::Arguments;
use crate::build::Build;
use crate::conversation::Conversation;
use crate::ending::Ending;
use crate::guard::{self, Guard};
use crate::memory;
use crate::plan;
use crate::result;
use crate::sandbox;
use crate::stage::Stage;
use crate::toolchain::{Toolchain, ToolchainError};
use crate::workspace::Workspace;

/// Runs the process to its end.
pub fn run(arguments: &Arguments) -> ExitCode {
    if let Some(folder) = &arguments.guard {
        return guard::watch(folder);
    }
    let Loaded {
        mut settings,
        problems,
    } = openplc_settings::load::<Compile>();
    if let Some(seconds) = arguments.time_limit {
        settings.time_limit = Duration::from_secs(seconds);
    }
    openplc_logging::init("openplc-compile", settings.log_level.word());
    for problem in &problems {
        tracing::warn!("{problem}");
    }
    match serve(&settings, &problems) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn serve(settings: &Compile, problems: &[Problem]) -> anyhow::Result<()> {
    let workspace = Workspace::create().context("the work folder cannot be made")?;
    // The guard and the question for the compiler's version are outside of the sandbox: both are ours alone.
    let guard = Guard::start(workspace.path())?;
    let means = Means {
        toolchain: Toolchain::find(),
        memory: memory::available(),
    };
    let readable = (means.toolchain.as_ref())
        .map(Toolchain::folders)
        .unwrap_or_default();
    let mut stage = Stage::new();
    stage.show("Waiting for the upload");
    let level = sandbox::restrict(&readable, workspace.path(), settings);
    tracing::info!("Sandbox of this build: {level}");
    let stream = std::io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .context("standard input")?;
    let mut client =
        Conversation::new(UnixStream::from(stream)).context("standard input is no connection")?;
    let begun = converse(
        &mut client,
        &mut stage,
        settings,
        problems,
        &workspace,
        &guard,
        means,
    );
    match begun {
        Err(Conclusion::Gone(TransportError::Closed)) => {
            tracing::info!("The client hung up: the build is cancelled");
            Ok(())
        }
        Err(Conclusion::Gone(error)) => Err(error).context("the conversation with the client broke off"),
        Err(Conclusion::Rejected(reason)) => {
            tracing::warn!("Upload rejected: {reason}");
            Ok(client.rejected(reason)?)
        }
        Err(Conclusion::Failed(reason)) => {
            tracing::warn!("Build failed: {reason}");
            Ok(client.failed(reason)?)
        }
        Ok(()) => Ok(()),
    }
}

/// What a build has to work with, as it was before the sandbox was closed.
struct Means {
    /// The compilers.
    toolchain: Result<Toolchain, ToolchainError>,
    /// Memory for them, in bytes.
    memory: Option<u64>,
}

/// Why a build ends without a program.
enum Conclusion {
    /// There is nobody to tell.
    Gone(TransportError),
    /// The zip breaks a rule.
    Rejected(String),
    /// The build failed.
    Failed(String),
}

impl From<TransportError> for Conclusion {
    fn from(error: TransportError) -> Self {
        Self::Gone(error)
    }
}

impl From<ToolchainError> for Conclusion {
    fn from(error: ToolchainError) -> Self {
        Self::Failed(error.to_string())
    }
}

fn converse(
    client: &mut Conversation,
    stage: &mut Stage,
    settings: &Compile,
    problems: &[Problem],
    workspace: &Workspace,
    guard: &Guard,
    means: Means,
) -> Result<(), Conclusion> {
    let (zip, left_over) = client.upload()?.map_err(Conclusion::Rejected)?;
    let start = Instant::now();
    stage.show("Checking the upload");
    let bundle = read(client, &zip)?;
    drop(zip);
    let toolchain = means.toolchain?;
    let program = identity(&bundle, &toolchain, settings.optimisation)?;
    stage.identified(program.clone());
    client.identified(program.clone(), bundle.generation)?;
    client.proceed()?;

    let ending = Ending::new(guard.group());
    ending.at_hang_up(client.stream()).map_err(TransportError::Io)?;
    ending.after(settings.time_limit).map_err(TransportError::Io)?;
    for problem in problems {
        client.log(Level::Warning, problem.to_string());
    }
    client.log(Level::Info, format!("Compiler: {}", toolchain.version));
    let build = Build {
        bundle: &bundle,
        toolchain: &toolchain,
        workspace,
        ending: &ending,
        group: guard.group(),
        settings,
        left_over: &left_over,
        stage,
        memory: means.memory,
    };
    let built = build.run(client);
    if ending.is_cancelled() {
        return Err(Conclusion::Gone(TransportError::Closed));
    }
    let (object, left_over) = built.map_err(Conclusion::Failed)?;
    stage.show("handing it over");
    let result = result::seal(
        &object,
        &bundle,
        program,
        plan::description(&toolchain, settings.optimisation),
    )
    .map_err(|error| Conclusion::Failed(format!("The built program cannot be handed over: {error:#}.")))?;
    let line = format!(
        "Built {} bytes in {:.2} s",
        result.object_size,
        start.elapsed().as_secs_f64()
    );
    client.log(Level::Info, line);
    // Without it the next build takes longer, that is all.
    let left_over = left_over
        .encode()
        .and_then(|bytes| memory_file::sealed("openplc-objects", &bytes).ok());
    client.built(&result.object, &result.manifest, left_over.as_ref())?;
    Ok(())
}

fn read(client: &mut Conversation, zip: &[u8]) -> Result<Bundle, Conclusion> {
    let bundle = Bundle::read(zip).map_err(|error| match error {
        BundleError::Zip(_) => Conclusion::Rejected(error.to_string()),
        other => Conclusion::Failed(other.to_string()),
    })?;
    let program = &bundle.program;
    client.log(
        Level::Info,
        format!(
            "Received program.zip: {} bytes, {} files",
            zip.len(),
            bundle.files.len()
        ),
    );
    client.log(
        Level::Info,
        format!(
            "{} program, {} variables, MD5 {}",
            bundle.generation,
            program.variables.len(),
            program.md5
        ),
    );
    for warning in &program.warnings {
        client.log(Level::Warning, warning.clone());
    }
    Ok(bundle)
}

fn identity(
    bundle: &Bundle,
    toolchain: &Toolchain,
    optimisation: Optimisation,
) -> Result<ProgramId, Conclusion> {
    let fingerprint = plan::fingerprint(bundle.generation, toolchain, optimisation);
    let parts: Vec<&str> = fingerprint.iter().map(String::as_str).collect();
    ProgramId::try_from(bundle.identity(&parts)).map_err(|error| Conclusion::Failed(error.to_string()))
}
