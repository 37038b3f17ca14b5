//! One build from the unpacked upload to the linked object.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Instant;

use nix::sys::signal::Signal;
use openplc_bundle::Bundle;
use openplc_settings::compile::Compile;
use openplc_wire::control::Level;
use openplc_wire::manifest::Generation;

use crate::compiler::{self, Outcome, Run, Surroundings};
use crate::conversation::Conversation;
use crate::diagnostics;
use crate::ending::Ending;
use crate::jobs::{self, Unit};
use crate::left_over::{Key, LeftOver};
use crate::linker;
use crate::plan::{self, Group, Plan};
use crate::stage::Stage;
use crate::toolchain::Toolchain;
use crate::workspace::Workspace;

/// Memory that one compiler may need, in bytes: 350 MB for a MatIEC program of 1.7 MB, measured ...
const MEMORY_OF_C: u64 = 350 << 20;
/// ... and the templates of STruC++ take more for less.
const MEMORY_OF_CXX: u64 = 500 << 20;

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
    /// What the administrator wishes.
    pub settings: &'a Compile,
    /// What an earlier build has left.
    pub left_over: &'a LeftOver,
    /// Who is told how far it is.
    pub stage: &'a Stage,
    /// Bytes of memory that there are for all compilers together, where that is known.
    pub memory: Option<u64>,
}

/// A failed build, in words for the user.
pub type Failure = String;

/// Objects so far, each with the group of its unit, and the first failure.
#[derive(Default)]
struct Progress {
    objects: Vec<(usize, String)>,
    failure: Option<Failure>,
}

impl Progress {
    /// The objects in an order that does not depend on which unit ended first.
    fn objects(&self) -> Vec<String> {
        let mut objects: Vec<String> = self.objects.iter().map(|(_, object)| object.clone()).collect();
        objects.sort();
        objects
    }
}

impl Build<'_> {
    /// Compiles and links, tells `client` about each step, and returns the path of the object and what is left for a later
    /// build.
    ///
    /// # Errors
    /// One sentence for the user.
    pub fn run(&self, client: &mut Conversation) -> Result<(PathBuf, LeftOver), Failure> {
        let jobs = self.jobs();
        let plan = plan::plan(self.bundle, self.toolchain, jobs, self.settings.optimisation);
        self.workspace
            .fill(self.bundle, &plan.files)
            .map_err(|error| self.no_space(&error.to_string()))?;
        let surroundings = Surroundings {
            folder: self.workspace.sources(),
            search_path: self.toolchain.search_path.clone(),
            temporary: self.workspace.temporary(),
            group: self.group,
            ending: self.ending.clone(),
        };
        let keyed: Vec<_> = plan
            .groups
            .iter()
            .filter_map(|group| Some((group.key?, group.object()?.to_owned())))
            .collect();
        let object = self.make(client, plan, &surroundings)?;
        Ok((object, self.leave_over(&keyed)))
    }

    /// Compiles every group the fast way, and those that do not go along with it the sure way; all of them, if they do
    /// not go along with each other.
    fn make(
        &self,
        client: &mut Conversation,
        plan: Plan,
        surroundings: &Surroundings,
    ) -> Result<PathBuf, Failure> {
        let least_for_header = plan.least_for_header;
        let Plan {
            header, mut groups, ..
        } = plan;
        let start = Instant::now();
        let mut progress = Progress::default();
        self.stage.show("compiling");
        self.take_over(client, &mut groups, &mut progress)?;
        let mut again = BTreeSet::new();
        let units = groups
            .iter_mut()
            .flat_map(|group| std::mem::take(&mut group.units));
        let (waiting, first): (Vec<Unit>, Vec<Unit>) = units.partition(|unit| unit.after_header);
        let header = header.filter(|_| waiting.len() >= least_for_header.max(1));
        let mut header_is_there = false;
        let mut first: Vec<_> = header.iter().cloned().chain(first).collect();
        if header.is_none() {
            let sure = waiting
                .iter()
                .flat_map(|unit| std::mem::take(&mut groups[unit.group].instead));
            first.extend(sure);
        }
        jobs::run(first, self.jobs(), surroundings, &mut |unit, run| {
            if header.as_ref().is_some_and(|header| header.object == unit.object) {
                header_is_there = run.outcome == Outcome::Success;
            } else {
                self.finish_fast(client, unit, &run, &groups, &mut again, &mut progress);
            }
            progress.failure.is_none()
        });
        if header_is_there && progress.failure.is_none() {
            jobs::run(waiting, self.jobs(), surroundings, &mut |unit, run| {
                self.finish_fast(client, unit, &run, &groups, &mut again, &mut progress);
                progress.failure.is_none()
            });
        } else if header.is_some() {
            again.extend(waiting.iter().map(|unit| unit.group));
        }
        self.compile_instead(client, &mut groups, &again, surroundings, &mut progress)?;
        client.log(
            Level::Info,
            format!("Compiled in {:.2} s", start.elapsed().as_secs_f64()),
        );
        let run = self.link(&progress.objects(), surroundings);
        let fast: BTreeSet<usize> = (0..groups.len())
            .filter(|group| !groups[*group].instead.is_empty())
            .collect();
        if run.outcome != Outcome::Errors || fast.is_empty() {
            return self.linked(client, &run);
        }
        self.compile_instead(client, &mut groups, &fast, surroundings, &mut progress)?;
        let run = self.link(&progress.objects(), surroundings);
        self.linked(client, &run)
    }

    /// Compiles the groups of these numbers the sure way, in place of the objects that are there.
    fn compile_instead(
        &self,
        client: &mut Conversation,
        groups: &mut [Group],
        numbers: &BTreeSet<usize>,
        surroundings: &Surroundings,
        progress: &mut Progress,
    ) -> Result<(), Failure> {
        if progress.failure.is_none() && !numbers.is_empty() {
            progress.objects.retain(|(group, _)| !numbers.contains(group));
            let units = numbers
                .iter()
                .flat_map(|group| std::mem::take(&mut groups[*group].instead))
                .collect();
            jobs::run(units, self.jobs(), surroundings, &mut |unit, run| {
                self.finish(client, unit, &run, progress);
                progress.failure.is_none()
            });
        }
        match progress.failure.take() {
            _ if self.ending.is_out_of_time() => Err(self.out_of_time()),
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }

    /// Takes over the objects that an earlier build has left, in place of the units that would make the same.
    fn take_over(
        &self,
        client: &mut Conversation,
        groups: &mut [Group],
        progress: &mut Progress,
    ) -> Result<(), Failure> {
        let mut taken = 0;
        for (number, group) in groups.iter_mut().enumerate() {
            let found = group.key.as_ref().and_then(|key| self.left_over.find(key));
            let (Some(content), Some(object)) = (found, group.object().map(str::to_owned)) else {
                continue;
            };
            std::fs::write(self.workspace.sources().join(&object), content)
                .map_err(|error| self.no_space(&error.to_string()))?;
            progress.objects.push((number, object));
            // Should they not go along with each other after all, they are compiled.
            let units = std::mem::take(&mut group.units);
            if group.instead.is_empty() {
                group.instead = units;
            }
            taken += 1;
        }
        if taken > 0 {
            let line = format!(
                "{taken} of {} units are as they were in the build before",
                groups.len()
            );
            client.log(Level::Info, line);
        }
        Ok(())
    }

    /// What a later build may take over.
    fn leave_over(&self, keyed: &[(Key, String)]) -> LeftOver {
        let mut left_over = LeftOver::default();
        for (key, object) in keyed {
            if let Ok(content) = std::fs::read(self.workspace.sources().join(object)) {
                left_over.add(*key, content);
            }
        }
        left_over
    }

    /// A unit that does not compile the fast way is compiled again before anything is reported.
    fn finish_fast(
        &self,
        client: &mut Conversation,
        unit: Unit,
        run: &Run,
        groups: &[Group],
        again: &mut BTreeSet<usize>,
        progress: &mut Progress,
    ) {
        if run.outcome == Outcome::Errors && !groups[unit.group].instead.is_empty() {
            again.insert(unit.group);
        } else {
            self.finish(client, unit, run, progress);
        }
    }

    fn finish(&self, client: &mut Conversation, unit: Unit, run: &Run, progress: &mut Progress) {
        self.report(client, &unit.name, run, unit.shows_warnings);
        if run.outcome == Outcome::Success {
            progress.objects.push((unit.group, unit.object));
            let made = progress.objects.len();
            self.stage.show(&format!("compiling, {made} objects are made"));
        } else if progress.failure.is_none() {
            progress.failure = Some(self.explain(&unit.name, &run.outcome));
        }
    }

    fn link(&self, objects: &[String], surroundings: &Surroundings) -> Run {
        self.stage.show("linking");
        // The linker writes the name that it was given into the object: not one with our random folder.
        let arguments = plan::link_arguments(self.toolchain, objects, "../out/program.so");
        compiler::run(&self.toolchain.cxx, &arguments, surroundings)
    }

    fn linked(&self, client: &mut Conversation, run: &Run) -> Result<PathBuf, Failure> {
        match run.outcome {
            _ if self.ending.is_out_of_time() => Err(self.out_of_time()),
            Outcome::Success => {
                self.report(client, "Linked", run, true);
                Ok(self.workspace.output().join("program.so"))
            }
            Outcome::Errors => {
                let told = linker::explain(&run.output).join("\n");
                for line in diagnostics::classify(&told, &self.hidden_paths()) {
                    client.log(line.level, line.text);
                }
                Err("The program cannot be linked: see the errors above.".into())
            }
            ref outcome => {
                self.report(client, "Linked", run, true);
                Err(self.explain("the program (linking)", outcome))
            }
        }
    }

    /// Compilers at the same time.
    fn jobs(&self) -> usize {
        let memory_of_one = match self.bundle.generation {
            Generation::Matiec => MEMORY_OF_C,
            Generation::Strucpp => MEMORY_OF_CXX,
        };
        (self.settings.jobs).unwrap_or_else(|| jobs::at_once(self.memory, memory_of_one))
    }

    fn report(&self, client: &mut Conversation, name: &str, run: &Run, shows_warnings: bool) {
        if self.ending.has_come() {
            return;
        }
        let succeeded = run.outcome == Outcome::Success;
        for line in diagnostics::classify(&run.output, &self.hidden_paths()) {
            if shows_warnings || (!succeeded && line.level == Level::Error) {
                client.log(line.level, line.text);
            }
        }
        if succeeded {
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
            Outcome::Errors | Outcome::UnknownOption => {
                format!("{name} does not compile: see the errors above.")
            }
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
             (time-limit in compile.toml).",
            self.settings.time_limit.as_secs()
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
