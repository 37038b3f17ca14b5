//! Which command the PLC obeys in which state.

use thiserror::Error;

/// State of the PLC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The core is starting.
    Init,
    /// Scans are being executed.
    Running,
    /// A program is there and commanded to stop.
    Stopped,
    /// The program faulted, or could not be started.
    Error,
    /// There is no program.
    Empty,
    /// A command is being carried out.
    Transitioning,
}

/// A command to the PLC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Run the current program.
    Start,
    /// End the scans.
    Stop,
    /// Take up another program and run it.
    Load,
}

/// Why a command is not obeyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Start while running.
    #[error("the PLC is running already")]
    AlreadyRunning,
    /// Stop while not running.
    #[error("the PLC is not running")]
    NotRunning,
    /// Another command is being carried out.
    #[error("another start, stop or program change is in progress; try again in a moment")]
    Busy,
    /// There is no program.
    #[error("there is no program; upload one first")]
    Empty,
}

/// Whether `command` may be carried out in `state`.
///
/// # Errors
/// The [`Refusal`] to answer.
pub fn allow(state: State, command: Command) -> Result<(), Refusal> {
    match (state, command) {
        (State::Init | State::Transitioning, _) => Err(Refusal::Busy),
        (State::Running, Command::Start) => Err(Refusal::AlreadyRunning),
        (State::Empty, Command::Start) => Err(Refusal::Empty),
        (State::Stopped | State::Empty, Command::Stop) => Err(Refusal::NotRunning),
        (State::Stopped | State::Error, Command::Start)
        // A faulted plant that somebody stops must not start by itself at the next boot.
        | (State::Running | State::Error, Command::Stop)
        | (State::Running | State::Stopped | State::Error | State::Empty, Command::Load) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_answers_every_command() {
        use Command::{Load, Start, Stop};
        use Refusal::{AlreadyRunning, Busy, Empty, NotRunning};
        let table = [
            (
                State::Init,
                [(Start, Err(Busy)), (Stop, Err(Busy)), (Load, Err(Busy))],
            ),
            (
                State::Transitioning,
                [(Start, Err(Busy)), (Stop, Err(Busy)), (Load, Err(Busy))],
            ),
            (
                State::Running,
                [(Start, Err(AlreadyRunning)), (Stop, Ok(())), (Load, Ok(()))],
            ),
            (
                State::Stopped,
                [(Start, Ok(())), (Stop, Err(NotRunning)), (Load, Ok(()))],
            ),
            (State::Error, [(Start, Ok(())), (Stop, Ok(())), (Load, Ok(()))]),
            (
                State::Empty,
                [(Start, Err(Empty)), (Stop, Err(NotRunning)), (Load, Ok(()))],
            ),
        ];
        for (state, commands) in table {
            for (command, expected) in commands {
                assert_eq!(allow(state, command), expected, "{command:?} in {state:?}");
            }
        }
    }
}
