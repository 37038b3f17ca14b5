//! What the file of the record says.

use super::text::Fault;

/// The process ended as it was told to.
pub(super) const END: &[u8] = b"end\n";
/// In front of a defect's text.
const DEFECT: &str = "defect ";
/// Bytes of a defect's text, at most.
const LONGEST_DEFECT: usize = 1000;

/// What a process has left behind of its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// It was told to end.
    End,
    /// It found a defect in itself.
    Defect(String),
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
        match line.strip_prefix(DEFECT) {
            Some(defect) => Some(Self::Defect(defect.to_owned())),
            None => Fault::parse(line).map(Self::Fault),
        }
    }
}

/// One line about a defect.
pub(super) fn defect(text: &str) -> String {
    let end = text.floor_char_boundary(LONGEST_DEFECT);
    format!("{DEFECT}{}\n", text[..end].replace('\n', "; "))
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
    }
}
