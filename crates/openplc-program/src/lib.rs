//! In the making.
pub mod sources;
