//! Code of programs that is executed outside of scans: while a program is loaded and initialised, and while it is ended.
//!
//! Nobody can break it off. While it executes constructors or destructors the dynamic linker loads nothing else, and no new thread
//! of this process begins. What does not come to its end is stuck: no program is loaded any more by this process, which makes way for
//! another one as soon as it runs no program.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use openplc_wire::manifest::ProgramId;

/// How long such code may be executed. On trial it may be half as long.
pub const LIMIT: Duration = Duration::from_secs(10);
/// For so much longer this process stays, so that whoever waits is told.
const FAREWELL: Duration = Duration::from_secs(2);

/// What is done with a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Constructors and initialisation.
    Loading,
    /// Destructors.
    Ending,
}

impl Work {
    /// In records.
    fn word(self) -> &'static str {
        match self {
            Self::Loading => "loading",
            Self::Ending => "ending",
        }
    }
}

/// Code that does not come to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stuck {
    /// What it is executed for.
    pub work: Work,
    /// Whose it is.
    pub program: ProgramId,
}

impl fmt::Display for Stuck {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(text, "program {} hangs by {}", self.program.short(), self.cause())
    }
}

impl Stuck {
    /// What it hangs by.
    pub fn cause(&self) -> String {
        let when = match self.work {
            Work::Loading => "loaded and initialised",
            Work::Ending => "ended",
        };
        let limit = LIMIT.as_secs();
        format!("what it does when it is {when}, which has not come to its end within {limit} s")
    }

    /// As the next process finds it.
    pub fn record(&self) -> String {
        format!("{} {}", self.work.word(), self.program)
    }

    /// Reads what [`Self::record`] has made.
    pub fn parse(record: &str) -> Option<Self> {
        let (word, program) = record.trim_end().split_once(' ')?;
        let work = [Work::Loading, Work::Ending].into_iter();
        Some(Self {
            work: work.into_iter().find(|work| work.word() == word)?,
            program: ProgramId::try_from(program.to_owned()).ok()?,
        })
    }
}

/// The code that is executed now. Clones are the same.
#[derive(Clone, Default)]
pub struct CodeAtWork {
    pieces: Arc<Mutex<Vec<Piece>>>,
    begun: Arc<AtomicU64>,
}

struct Piece {
    number: u64,
    since: Instant,
    what: Stuck,
}

/// As long as this is there the code is executed.
pub struct Execution {
    all: CodeAtWork,
    number: u64,
}

impl CodeAtWork {
    /// Such code begins.
    pub fn begin(&self, work: Work, program: &ProgramId) -> Execution {
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        let program = program.clone();
        self.pieces().push(Piece {
            number,
            since: Instant::now(),
            what: Stuck { work, program },
        });
        Execution {
            all: self.clone(),
            number,
        }
    }

    /// What is stuck for the longest time, and whether it is time to give up this process for it.
    pub fn stuck(&self) -> Option<(Stuck, bool)> {
        let pieces = self.pieces();
        let oldest = pieces.first()?;
        let elapsed = oldest.since.elapsed();
        (elapsed >= LIMIT).then(|| (oldest.what.clone(), elapsed >= LIMIT + FAREWELL))
    }

    fn pieces(&self) -> MutexGuard<'_, Vec<Piece>> {
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Execution {
    fn drop(&mut self) {
        self.all.pieces().retain(|piece| piece.number != self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(digit: char) -> ProgramId {
        ProgramId::try_from(digit.to_string().repeat(64)).unwrap()
    }

    #[test]
    fn only_what_has_not_ended_in_time_is_stuck() {
        let code = CodeAtWork::default();
        let ending = code.begin(Work::Ending, &id('a'));
        let _loading = code.begin(Work::Loading, &id('b'));
        assert_eq!(code.stuck(), None, "just begun");
        let ago = |time| {
            let pieces = &mut *code.pieces();
            pieces
                .iter_mut()
                .for_each(|piece| piece.since = Instant::now().checked_sub(time).unwrap());
        };
        let stuck = |work, digit| Stuck {
            work,
            program: id(digit),
        };
        ago(LIMIT);
        assert_eq!(code.stuck(), Some((stuck(Work::Ending, 'a'), false)));
        ago(LIMIT + FAREWELL);
        assert_eq!(code.stuck(), Some((stuck(Work::Ending, 'a'), true)));
        drop(ending);
        assert_eq!(code.stuck(), Some((stuck(Work::Loading, 'b'), true)));
    }

    #[test]
    fn the_next_process_reads_what_was_stuck() {
        for work in [Work::Loading, Work::Ending] {
            let program = id('c');
            let stuck = Stuck { work, program };
            assert_eq!(Stuck::parse(&stuck.record()), Some(stuck));
        }
        for rubbish in ["", "loading", "loading x", "sleeping 00"] {
            assert_eq!(Stuck::parse(rubbish), None);
        }
    }
}
