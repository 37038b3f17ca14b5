//! What the last build has left for the next one: objects of units that may not have changed.
//!
//! They go only to builds of the same user. So what one user's build has made never becomes part of another user's program.

use std::fs::File;
use std::sync::{Arc, Mutex, PoisonError};

/// The left-overs of the last build, in memory only.
#[derive(Debug, Default)]
pub struct LeftOvers(Mutex<Option<(String, Arc<File>)>>);

impl LeftOvers {
    /// Those for a build of this user.
    pub fn of(&self, username: &str) -> Option<Arc<File>> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, file) = last.as_ref().filter(|(owner, _)| owner == username)?;
        Some(Arc::clone(file))
    }

    /// Keeps those of a build of this user in place of all others.
    pub fn keep(&self, username: &str, file: File) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((username.to_owned(), Arc::new(file)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_gets_what_another_user_has_left() {
        let left_overs = LeftOvers::default();
        assert!(left_overs.of("ann").is_none());
        left_overs.keep("ann", tempfile::tempfile().unwrap());
        assert!(left_overs.of("ann").is_some());
        assert!(left_overs.of("bob").is_none());
        left_overs.keep("bob", tempfile::tempfile().unwrap());
        assert!(left_overs.of("ann").is_none());
    }
}
