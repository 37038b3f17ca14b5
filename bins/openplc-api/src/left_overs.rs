//! What the last build has left for the next one: objects of units that may not have changed.
//!
//! They go only to builds of the same account, which its number tells: a name may have a successor. So what one user's build has made never becomes part of another user's program.

use std::fs::File;
use std::sync::{Arc, Mutex, PoisonError};

/// The left-overs of the last build, in memory only.
#[derive(Debug, Default)]
pub struct LeftOvers(Mutex<Option<(i64, Arc<File>)>>);

impl LeftOvers {
    /// Those for a build of this account.
    pub fn of(&self, account: i64) -> Option<Arc<File>> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, file) = last.as_ref().filter(|(owner, _)| *owner == account)?;
        Some(Arc::clone(file))
    }

    /// Keeps those of a build of this account in place of all others.
    pub fn keep(&self, account: i64, file: File) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((account, Arc::new(file)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_gets_what_another_user_has_left() {
        let left_overs = LeftOvers::default();
        assert!(left_overs.of(1).is_none());
        left_overs.keep(1, tempfile::tempfile().unwrap());
        assert!(left_overs.of(1).is_some());
        assert!(left_overs.of(2).is_none());
        left_overs.keep(2, tempfile::tempfile().unwrap());
        assert!(left_overs.of(1).is_none());
    }
}
