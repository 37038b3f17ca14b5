//! From a received upload to a running program, beside the event loop.

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use openplc_accounts::User;
use openplc_wire::control::Level;
use openplc_wire::deploy::{DeployError, Event, Wishes};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::application::Application;
use crate::build_log::{BuildLog, Phase};
use crate::project::{Project, ProjectStore};
use crate::supervisor;

/// How long the answer to an upload waits for the verdict on the zip.
const VERDICT: Duration = Duration::from_secs(4);

/// An upload that is whole.
pub struct Upload {
    /// Sealed memory file with the zip.
    pub zip: File,
    /// The project that came with it.
    pub project: Option<Project>,
    /// The account that sent it.
    pub user: User,
    /// Build even if the program is known.
    pub clean: bool,
    /// The right to build.
    pub slot: OwnedSemaphorePermit,
}

/// Builds, loads and starts the program of `upload`. Returns when the zip has been found sound, or when that takes so
/// long that the client should not wait; the build log is then shown and tells the rest. An error leaves everything,
/// the build log included, as it was.
pub async fn start(application: &Arc<Application>, upload: Upload) -> Result<(), DeployError> {
    let log = Arc::new(BuildLog::new(Phase::Unzipping));
    let (sender, verdict) = oneshot::channel();
    tokio::task::spawn_blocking({
        let (application, log) = (Arc::clone(application), Arc::clone(&log));
        move || deploy(&application, upload, &log, sender)
    });
    let builds = Arc::clone(&application.builds);
    // A task of its own: the build is shown even when the client has gone meanwhile.
    let shown = tokio::spawn(async move {
        match tokio::time::timeout(VERDICT, verdict).await {
            Ok(Ok(Err(error @ (DeployError::Rejected(_) | DeployError::Unavailable(_))))) => Err(error),
            // A build that has failed already is shown as one: that is where the Editor looks for the reason.
            Ok(Ok(Ok(()) | Err(DeployError::Failed(_)))) | Err(_) => {
                builds.show(&log);
                Ok(())
            }
            Ok(Err(_)) => Err(DeployError::Failed("The build broke off without a result".into())),
        }
    });
    shown
        .await
        .unwrap_or_else(|error| Err(DeployError::Failed(error.to_string())))
}

fn deploy(
    application: &Application,
    upload: Upload,
    log: &BuildLog,
    verdict: oneshot::Sender<Result<(), DeployError>>,
) {
    let Upload {
        zip,
        project,
        user,
        clean,
        slot,
    } = upload;
    let username = user.username;
    let mut verdict = Some(verdict);
    supervisor::status(&format!("Building an upload of {username:?}"));
    let left_over = application.left_overs.of(user.id);
    let wishes = Wishes {
        clean,
        left_over: left_over.as_deref(),
    };
    let result = application
        .deployer
        .deploy(&zip, wishes, &mut |event| match event {
            Event::Log { level, line } => log.line(level, &line),
            Event::Identified { .. } => {
                log.compiling();
                if let Some(verdict) = verdict.take() {
                    // Nobody waits any longer: the log tells.
                    let _ = verdict.send(Ok(()));
                }
            }
        });
    let result = result.map(|deployed| {
        if let Some(left_over) = deployed.left_over {
            application.left_overs.keep(user.id, left_over);
        }
        store(&application.projects, project, log);
        deployed.program
    });
    let time = jiff::Timestamp::now().strftime("%H:%M UTC");
    supervisor::status(&match &result {
        Ok(program) => format!(
            "Serving; last build at {time}: program {} is running",
            program.short()
        ),
        Err(_) => format!("Serving; last build at {time}: failed"),
    });
    // Whoever sees the end may upload again at once.
    drop(slot);
    match result {
        Ok(program) => {
            tracing::info!(
                user = username,
                program = program.as_str(),
                result = "SUCCESS",
                "Program {} of {username:?} is running",
                program.short()
            );
            log.succeed(&format!("Program {} is running", program.short()));
        }
        Err(error) => {
            tracing::warn!(
                user = username,
                result = "FAILED",
                "The upload of {username:?} did not lead to a running program: {error}"
            );
            log.fail(&error.to_string());
            if let Some(verdict) = verdict.take() {
                let _ = verdict.send(Err(error));
            }
        }
    }
}

/// The device stores the project of the program that it runs, or none.
fn store(projects: &ProjectStore, project: Option<Project>, log: &BuildLog) {
    let sent = project.is_some();
    if let Err(error) = projects.replace(project) {
        let what = if sent {
            "The project is not stored on the device"
        } else {
            "The project of the program before this one cannot be removed from the device"
        };
        tracing::error!("{what}: {error}");
        log.line(Level::Warning, &format!("{what}: {error}"));
    }
}
