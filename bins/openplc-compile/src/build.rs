//! One build from the unpacked upload to the linked object.

use std::path::PathBuf;
use std::time::Instant;

use nix::sys::signal::Signal;
use openplc_bundle::Bundle;
use openplc_wire::control::Level;

use crate::compiler::{self, Outcome, Run, Surroundings};
use crate::conversation::Conversation;
use crate::diagnostics;
use crate::ending::Ending;
use crate::jobs;
use crate::matiec;
use crate::toolchain::Toolchain;
use crate::workspace::Workspace;

/// Everything that a build needs.
pub struct Build<'a> {
    /// The upload.
    pub bundle: &'a Bundle,
    /// The compilers.
    pub toolchain: &'a Toolchain,
    /// Where they work.
    pub workspace: &'a Workspace,
    /// When they are ended from outside.
    pub ending: &'a Ending,
    /// Their process group.
    pub group: i32,
    /// Longest time, in seconds, to tell the user.
    pub time_limit_s: u64,
}

/// A failed build, in words for the user.
pub type Failure = String;

impl Build<'_> {
    /// Compiles and links, tells `client` about each step, and returns the path of the object.
    ///
    /// # Errors
    /// One sentence for the user.
    pub fn run(&self, client: &mut Conversation) -> Result<PathBuf, Failure> {
        self.workspace
            .fill(self.bundle, &matiec::own_sources())
            .map_err(|error| self.no_space(&error.to_string()))?;
        let surroundings = Surroundings {
            folder: self.workspace.sources(),
            search_path: self.toolchain.search_path.clone(),
            temporary: self.workspace.temporary(),
            group: self.group,
        };
        let start = Instant::now();
        let mut failure: Option<Failure> = None;
        let mut objects = Vec::new();
        jobs::run(
            matiec::units(self.bundle, self.toolchain),
            &surroundings,
            self.ending,
            &mut |unit, run| {
                self.report(client, &unit.name, run);
                match &run.outcome {
                    Outcome::Success => objects.extend(object_of(&unit.arguments)),
                    outcome => {
                        failure.get_or_insert_with(|| self.explain(&unit.name, outcome));
                    }
                }
            },
        );
        if self.ending.is_out_of_time() {
            return Err(self.out_of_time());
        }
        if let Some(failure) = failure {
            return Err(failure);
        }
        client.log(
            Level::Info,
            format!("Compiled in {:.2} s", start.elapsed().as_secs_f64()),
        );
        self.link(client, &mut objects, &surroundings)
    }

    fn link(
        &self,
        client: &mut Conversation,
        objects: &mut [String],
        surroundings: &Surroundings,
    ) -> Result<PathBuf, Failure> {
        // Units end in any order; the object must not depend on it.
        objects.sort();
        let object = self.workspace.output().join("program.so");
        let arguments = matiec::link_arguments(self.toolchain, objects, &object.to_string_lossy());
        let run = compiler::run(&self.toolchain.cxx, &arguments, surroundings);
        self.report(client, "Linked", &run);
        match run.outcome {
            Outcome::Success => Ok(object),
            _ if self.ending.is_out_of_time() => Err(self.out_of_time()),
            outcome => Err(self.explain("the program (linking)", &outcome)),
        }
    }

    fn report(&self, client: &mut Conversation, name: &str, run: &Run) {
        if self.ending.has_come() {
            return;
        }
        for line in diagnostics::classify(&run.output, &self.hidden_paths()) {
            client.log(line.level, line.text);
        }
        if run.outcome == Outcome::Success {
            client.log(Level::Info, format!("{name}: {:.2} s", run.time.as_secs_f64()));
        }
    }

    fn hidden_paths(&self) -> Vec<String> {
        let folder = self.workspace.path().to_string_lossy().into_owned();
        vec![
            format!("{folder}/src/"),
            format!("{folder}/"),
            "../runtime/".into(),
            "../out/".into(),
        ]
    }

    fn explain(&self, name: &str, outcome: &Outcome) -> Failure {
        match outcome {
            Outcome::Success => String::new(),
            Outcome::Errors => format!("{name} does not compile: see the errors above."),
            Outcome::Killed(Signal::SIGXCPU) => self.out_of_time(),
            Outcome::Killed(Signal::SIGKILL) => format!(
                "The compiler was killed while it compiled {name}, most likely because memory ran out. Free memory on this \
                 device or add swap space, and upload again."
            ),
            Outcome::Killed(signal) => {
                format!("The compiler was ended by {signal} while it compiled {name}. Upload again.")
            }
            Outcome::OutOfMemory => format!(
                "There was not enough memory to compile {name}. Free memory on this device or make the program smaller, and \
                 upload again."
            ),
            Outcome::OutOfSpace => self.no_space("No space left on device"),
            Outcome::NotStarted(why) => {
                format!("The compiler for {name} cannot be started ({why}). Upload again.")
            }
        }
    }

    fn out_of_time(&self) -> Failure {
        format!(
            "The build took longer than the {} seconds allowed and was ended. Make the program smaller, or raise the limit \
             (openplc-compile --time-limit SECONDS).",
            self.time_limit_s
        )
    }

    fn no_space(&self, why: &str) -> Failure {
        format!(
            "The build cannot write its files to {} ({why}). Free some space there and upload again.",
            self.workspace
                .path()
                .parent()
                .unwrap_or(self.workspace.path())
                .display()
        )
    }
}

/// Path after `-o`.
fn object_of(arguments: &[String]) -> Option<String> {
    let at = arguments.iter().position(|argument| argument == "-o")?;
    arguments.get(at + 1).cloned()
}
