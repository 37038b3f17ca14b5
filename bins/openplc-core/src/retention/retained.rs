//! The retained variables of one loaded program.

use std::collections::HashSet;
use std::sync::Arc;

use openplc_program::{Program, Selection};
use openplc_retain::{Layout, Leaf, MAX_NAME, Taken, Transfer};
use openplc_wire::manifest::Manifest;

use crate::loaded::Loaded;
use crate::log_ring::unix_ms;

/// Time (ns) that a copy takes at most on slow machines: so much at least, ...
const COPY: u64 = 10_000;
/// ... so much for each byte, ...
const COPY_BYTE: u64 = 1;
/// ... and so much for each value that is handed on to another program.
const HAND_ON_VALUE: u64 = 25;

/// Which variables of a program are retained, and where they lie.
pub struct Retained {
    /// Names and types.
    pub layout: Arc<Layout>,
    selection: Selection,
}

/// Why a program with retained variables starts with their initial values each time.
#[derive(Debug, thiserror::Error)]
pub enum CannotRetain {
    /// Its object has no access to them.
    #[error(
        "it was built by an older version of the runtime, which could not retain variables; upload it again"
    )]
    OldObject,
    /// There are too many of them.
    #[error("{0}")]
    Layout(#[from] openplc_retain::InvalidLayout),
}

impl Retained {
    /// Those of a program that was loaded just now; none where it declares none.
    ///
    /// # Errors
    /// [`CannotRetain`]; the program can run nevertheless.
    pub fn of(program: &mut Program, manifest: &Manifest) -> Result<Option<Self>, CannotRetain> {
        let mut names = HashSet::new();
        let mut leaves = Vec::new();
        let mut addresses = Vec::new();
        let declared = manifest.variables.iter().filter(|variable| variable.retain);
        for variable in declared.filter(|_| manifest.retains) {
            let Some(size) = program.stored_size(variable.index) else {
                continue;
            };
            if variable.path.len() > MAX_NAME || !names.insert(variable.path.as_str()) {
                continue;
            }
            addresses.push(variable.index);
            leaves.push(Leaf {
                name: variable.path.clone(),
                iec_type: variable.iec_type.clone(),
                size: size as u32,
            });
        }
        if leaves.is_empty() {
            return Ok(None);
        }
        // How strings lie in memory depends on the headers that a STruC++ program came with.
        let representation = match program.string_layout() {
            0 => manifest.generation.to_string(),
            strings => format!("{} {strings:x}", manifest.generation),
        };
        let layout = Arc::new(Layout::new(manifest.program.as_str(), &representation, leaves)?);
        let selection = program.select(&addresses).ok_or(CannotRetain::OldObject)?;
        Ok(Some(Self { layout, selection }))
    }

    /// Bytes that are copied between two scans.
    pub fn raw_bytes(&self) -> usize {
        self.selection.raw_bytes()
    }

    /// Time (ns) that the copy takes at most.
    pub fn copy_time(&self) -> u64 {
        COPY + COPY_BYTE * self.raw_bytes() as u64
    }

    /// The values in a raw copy, in the order of the layout.
    pub fn values(&self, raw: &[u8]) -> Vec<u8> {
        let mut values = Vec::with_capacity(self.layout.values_length());
        self.selection.values(raw, &mut values);
        values
    }
}

/// Hands the values of the running program on to the one that takes its place, between the last scan of one and the first of
/// the other. Everything that takes time has been done before.
pub struct Handover {
    transfer: Transfer,
    selection: Selection,
    raw: Vec<u8>,
    values: Vec<u8>,
    /// Time (ns) that it takes at most.
    time: u64,
    /// When the values were handed on.
    done: Option<Taken>,
}

impl Handover {
    /// From the program with the first variables to the one with the second.
    pub fn new(from: &Retained, to: &Retained) -> Self {
        Self {
            transfer: Transfer::new(&from.layout, &to.layout),
            selection: from.selection.clone(),
            raw: Vec::with_capacity(from.raw_bytes()),
            values: Vec::with_capacity(from.layout.values_length()),
            // Taken out of the copy, and written.
            time: 2 * from.copy_time() + HAND_ON_VALUE * from.layout.leaves().len() as u64,
            done: None,
        }
    }

    /// Time (ns) that it takes at most.
    pub fn time(&self) -> u64 {
        self.time
    }

    /// Between two scans, the next of which is due when TIME of `from` is `iec_ns`; `to` goes on with that time. Allocates nothing.
    pub fn carry(&mut self, from: &mut Loaded, to: &mut Loaded, iec_ns: u64) {
        from.program.copy_selected(&mut self.raw);
        self.selection.values(&self.raw, &mut self.values);
        self.transfer.apply(&self.values, |number, value| {
            to.program.write_selected(number, value);
        });
        to.go_on_from(iec_ns);
        self.done = Some(Taken {
            unix_ms: unix_ms(),
            iec_ns,
        });
    }

    /// The values that were handed on, when that was, and how; nothing where no program was running.
    pub fn done(self) -> Option<(Vec<u8>, Taken, Transfer)> {
        self.done.map(|taken| (self.values, taken, self.transfer))
    }
}
