//! What the file of the record says.

use super::text::Fault;

/// The process ended as it was told to.
pub(super) const END: &[u8] = b"end\n";
/// In front of a defect's text.
const DEFECT: &str = "defect ";
/// In front of what was stuck.
const STUCK: &str = "stuck ";
/// Bytes of either text, at most.
const LONGEST_TEXT: usize = 1000;

/// What a process has left behind of its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// It was told to end.
    End,
    /// It found a defect in itself.
    Defect(String),
    /// Code of a program did not come to its end, outside of scans.
    Stuck(String),
    /// It ended by a signal, or by a call of `exit`.
    Fault(Fault),
}

impl Record {
    /// Reads what [`super::install`] was given a file for; `None` when the process has left nothing.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let line = text.lines().next()?;
        if line.as_bytes() == END.trim_ascii_end() {
            return Some(Self::End);
        }
        let text = |prefix| line.strip_prefix(prefix).map(str::to_owned);
        let stuck = || text(STUCK).map(Self::Stuck);
        let fault = || Fault::parse(line).map(Self::Fault);
        text(DEFECT).map(Self::Defect).or_else(stuck).or_else(fault)
    }
}

/// One line about a defect.
pub(super) fn defect(text: &str) -> String {
    one_line(DEFECT, text)
}

/// One line about what is stuck.
pub(super) fn stuck(what: &str) -> String {
    one_line(STUCK, what)
}

fn one_line(prefix: &str, text: &str) -> String {
    let end = text.floor_char_boundary(LONGEST_TEXT);
    format!("{prefix}{}\n", text[..end].replace('\n', "; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(Record::parse(&"\n".repeat(4096)), None, "a process that vanished");
        assert_eq!(Record::parse(""), None);
        assert_eq!(Record::parse("end\n7 - - \n"), Some(Record::End));
        let fault = Fault {
            signal: 11,
            scan: Some((0, 7)),
            address: None,
            plugin: false,
        };
        assert_eq!(Record::parse("11 0 7 - \n\n"), Some(Record::Fault(fault)));
        let long = format!("a panic\nin a file: {}", "ä".repeat(1000));
        let Some(Record::Defect(read)) = Record::parse(&defect(&long)) else {
            panic!()
        };
        assert!(read.starts_with("a panic; in a file: ää") && read.len() < 1010);
        let read = Record::parse(&stuck("loading this"));
        assert_eq!(read, Some(Record::Stuck("loading this".into())));
    }
}
