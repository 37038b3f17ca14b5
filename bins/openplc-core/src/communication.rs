//! Communication blocks: connections of programs, which run in a process without a network.
//!
//! A block asks during a scan and gets a number at once. A thread has the plugin `communication` (`openplc-connector`) connect
//! to where the administrator allows it, receives the socket, and carries bytes between it and the block. So no scan ever
//! waits for the network, or enters the kernel for it.

mod carrier;
mod connections;
mod ring;

pub use carrier::{NotConnected, Outcome, Programs, start};
pub use connections::Connections;
