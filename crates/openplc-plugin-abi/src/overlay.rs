//! What a plugin has written and does not yet find in the published image. A plugin of OpenPLC Runtime v4 reads its own writes
//! at once; here they take effect with the next scan, and are shown to the plugin until then.

use std::collections::VecDeque;

use openplc_plugin::{Plugin, Ticket, Write};

/// Writes that are remembered at most.
const CAPACITY: usize = 4096;

struct Pending {
    write: Write,
    ticket: Ticket,
    /// The newest publication when the core was first seen to have taken it: the next one has it.
    taken_at: Option<u32>,
}

/// Writes on their way.
#[derive(Default)]
pub(crate) struct Overlay(VecDeque<Pending>);

impl Overlay {
    /// Remembers writes.
    pub fn add(&mut self, writes: &[Write], ticket: Ticket) {
        for write in writes {
            if self.0.len() == CAPACITY {
                self.0.pop_front();
            }
            self.0.push_back(Pending {
                write: *write,
                ticket,
                taken_at: None,
            });
        }
    }

    /// Forgets what an image with the number `publication` shows, and returns the rest, the oldest first.
    pub fn pending(&mut self, plugin: &Plugin, publication: u32) -> impl Iterator<Item = Write> {
        self.0.retain_mut(|pending| match pending.taken_at {
            Some(taken_at) => taken_at == publication,
            None => match plugin.is_taken(&pending.ticket) {
                Ok(false) => true,
                Ok(true) => {
                    pending.taken_at = Some(publication);
                    true
                }
                // Of another time.
                Err(_) => false,
            },
        });
        self.0.iter().map(|pending| pending.write)
    }
}
