//! The decisions of the scan engine, without clocks, threads or files: when the next scan is due ([`schedule`], [`cycle`]), what the
//! figures are ([`statistics`]), which command is allowed in which state ([`lifecycle`]), how many faults
//! are too many ([`faults`]), who is overdue ([`watch`]), and what a debug request means ([`debug`]). Time comes in as numbers, so millions of cycles are
//! tested in a moment.
//!
//! This crate must not know systemd, sockets, or how a program was compiled.
#![forbid(unsafe_code)]

pub mod cycle;
pub mod debug;
pub mod faults;
pub mod lifecycle;
pub mod schedule;
pub mod statistics;
pub mod watch;
