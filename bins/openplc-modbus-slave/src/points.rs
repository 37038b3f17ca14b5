//! What the server needs of the process image.

use openplc_plugin::{Plugin, Ticket, Unavailable, View, Write, WriteFailure};

/// The process image, read in snapshots and written in groups.
pub trait Points {
    /// Stands for a write.
    type Ticket;

    /// Calls `read`, perhaps several times, and returns the result of a call that saw the values of one scan.
    fn read<T>(&self, read: impl FnMut(&View<'_>) -> T) -> Result<T, Unavailable>;

    /// Number of the newest publication.
    fn publication(&self) -> Result<u32, Unavailable>;

    /// Writes all of these values, or none. Refuses when nothing has any effect that is written.
    fn write(&self, writes: &[Write]) -> Result<Self::Ticket, WriteFailure>;

    /// Whether the core has taken a write, so that the next publication has it.
    fn is_taken(&self, ticket: &Self::Ticket) -> Result<bool, Unavailable>;
}

impl Points for Plugin {
    type Ticket = Ticket;

    fn read<T>(&self, read: impl FnMut(&View<'_>) -> T) -> Result<T, Unavailable> {
        Self::read(self, read)
    }

    fn publication(&self) -> Result<u32, Unavailable> {
        Self::publication(self)
    }

    fn write(&self, writes: &[Write]) -> Result<Ticket, WriteFailure> {
        // The core takes nothing more from a plugin that has to leave, even where the PLC runs again already.
        if self.is_leaving() {
            return Err(WriteFailure::Detached);
        }
        Self::write(self, writes)
    }

    fn is_taken(&self, ticket: &Ticket) -> Result<bool, Unavailable> {
        Self::is_taken(self, ticket)
    }
}
