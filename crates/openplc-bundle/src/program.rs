//! What the sources of either generation say about their program.

use openplc_wire::manifest::{Task, Variable};

/// User code in C or C++, where there is any.
pub const C_BLOCKS: &str = "c_blocks_code.cpp";

/// What the sources say about a program.
#[derive(Debug)]
pub struct Program {
    /// MD5 of `program.st`, 32 hexadecimal digits.
    pub md5: String,
    /// IEC tasks. Never empty.
    pub tasks: Vec<Task>,
    /// Debug variables in the order of their addresses.
    pub variables: Vec<Variable>,
    /// Text of `image.conf`, where there is one that can be understood.
    pub image_conf: Option<String>,
    /// Whether variables that are declared RETAIN are to be retained.
    pub retains: bool,
    /// Whether there are Python blocks.
    pub uses_python: bool,
    /// Whether there are C or C++ blocks to compile.
    pub has_c_blocks: bool,
    /// What could not be understood, one sentence each.
    pub warnings: Vec<String>,
}
