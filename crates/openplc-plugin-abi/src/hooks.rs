//! The functions that a native plugin of OpenPLC Runtime v4 exports.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::{Path, PathBuf};

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW, Symbol};

/// Longest answer to a command, in bytes.
const LONGEST_ANSWER: usize = 32 << 10;
/// Longest statistics, in bytes.
const LONGEST_STATISTICS: usize = 1024;

type Execute = unsafe extern "C" fn(*const c_char, *mut c_char, usize) -> c_int;
type Statistics = unsafe extern "C" fn(*mut c_char, usize) -> c_int;

/// A shared object that is no plugin.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be loaded as a plugin: {error}", path.display())]
pub struct NotLoaded {
    path: PathBuf,
    error: libloading::Error,
}

/// A loaded plugin. All but `init` is optional.
pub struct Hooks {
    init: Symbol<unsafe extern "C" fn(*mut c_void) -> c_int>,
    start_loop: Option<Symbol<unsafe extern "C" fn() -> c_int>>,
    stop_loop: Option<Symbol<unsafe extern "C" fn()>>,
    cleanup: Option<Symbol<unsafe extern "C" fn()>>,
    cycle_start: Option<Symbol<unsafe extern "C" fn()>>,
    cycle_end: Option<Symbol<unsafe extern "C" fn()>>,
    execute_command: Option<Symbol<Execute>>,
    get_stats: Option<Symbol<Statistics>>,
    /// Never unloaded: a thread of the plugin may still run.
    _library: std::mem::ManuallyDrop<Library>,
}

impl Hooks {
    /// Loads a shared object.
    ///
    /// # Errors
    /// [`NotLoaded`].
    pub fn load(path: &Path) -> Result<Self, NotLoaded> {
        let failed = |error| NotLoaded {
            path: path.to_owned(),
            error,
        };
        // SAFETY: the administrator has chosen this file to be executed in this process.
        let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.map_err(failed)?;
        // SAFETY: the types are those that OpenPLC Runtime v4 declares for these names.
        let init = unsafe { library.get(b"init\0") }.map_err(failed)?;
        Ok(Self {
            init,
            // SAFETY: as above, and below.
            start_loop: unsafe { library.get(b"start_loop\0") }.ok(),
            // SAFETY: as above.
            stop_loop: unsafe { library.get(b"stop_loop\0") }.ok(),
            // SAFETY: as above.
            cleanup: unsafe { library.get(b"cleanup\0") }.ok(),
            // SAFETY: as above.
            cycle_start: unsafe { library.get(b"cycle_start\0") }.ok(),
            // SAFETY: as above.
            cycle_end: unsafe { library.get(b"cycle_end\0") }.ok(),
            // SAFETY: as above.
            execute_command: unsafe { library.get(b"execute_command\0") }.ok(),
            // SAFETY: as above.
            get_stats: unsafe { library.get(b"get_stats\0") }.ok(),
            _library: std::mem::ManuallyDrop::new(library),
        })
    }

    /// What `init` returns; 0 is success.
    #[must_use]
    pub fn init(&self, arguments: *mut c_void) -> c_int {
        // SAFETY: `arguments` is the structure that it expects, and lives as long as the process.
        unsafe { (self.init)(arguments) }
    }

    /// What `start_loop` returns; 0 is success.
    #[must_use]
    pub fn start_loop(&self) -> c_int {
        // SAFETY: called once after `init`, as OpenPLC Runtime v4 does. So for the others.
        self.start_loop.as_ref().map_or(0, |hook| unsafe { hook() })
    }

    /// Ends what `start_loop` has begun.
    pub fn stop_loop(&self) {
        if let Some(hook) = &self.stop_loop {
            // SAFETY: as above.
            unsafe { hook() };
        }
    }

    /// Before the plugin's end.
    pub fn cleanup(&self) {
        if let Some(hook) = &self.cleanup {
            // SAFETY: as above.
            unsafe { hook() };
        }
    }

    /// Whether the plugin wants to be called with each scan.
    #[must_use]
    pub fn has_cycle(&self) -> bool {
        self.cycle_start.is_some() || self.cycle_end.is_some()
    }

    /// At the beginning of a scan.
    pub fn cycle_start(&self) {
        if let Some(hook) = &self.cycle_start {
            // SAFETY: as above.
            unsafe { hook() };
        }
    }

    /// At the end of a scan.
    pub fn cycle_end(&self) {
        if let Some(hook) = &self.cycle_end {
            // SAFETY: as above.
            unsafe { hook() };
        }
    }

    /// The plugin's answer to a command; `None` where it takes none.
    #[must_use]
    pub fn execute_command(&self, command: &CStr) -> Option<(c_int, String)> {
        let hook = self.execute_command.as_ref()?;
        let mut answer = vec![0_u8; LONGEST_ANSWER];
        // SAFETY: the command ends with a zero, and the answer has room for as many bytes as is said.
        let code = unsafe { hook(command.as_ptr(), answer.as_mut_ptr().cast(), answer.len()) };
        Some((code, text(&answer)))
    }

    /// The plugin's figures, a JSON object; `None` where it has none.
    #[must_use]
    pub fn get_stats(&self) -> Option<String> {
        let hook = self.get_stats.as_ref()?;
        let mut figures = vec![0_u8; LONGEST_STATISTICS];
        // SAFETY: there is room for as many bytes as is said.
        let code = unsafe { hook(figures.as_mut_ptr().cast(), figures.len()) };
        (code >= 0).then(|| text(&figures))
    }
}

/// What is there before the first zero.
fn text(bytes: &[u8]) -> String {
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}

/// A text for C; what has a zero in it is cut there.
#[must_use]
pub fn c_text(text: &str) -> CString {
    let text = text.split('\0').next().unwrap_or_default();
    CString::new(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_end_at_the_first_zero() {
        assert_eq!(text(b"{\"a\":1}\0rest"), "{\"a\":1}");
        assert_eq!(text(b"whole"), "whole");
        assert_eq!(c_text("a\0b").as_bytes(), b"a");
    }
}
