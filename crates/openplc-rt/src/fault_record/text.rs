//! One fault as a line of text: `11 0 4711 1a2b -` is signal 11 in scan 4711 of task 0 at address 0x1a2b of the program;
//! `-` stands for what is not known, and `1` at the end for a fault of a plugin within the scan engine.

/// Bytes of the longest line: signal, task and scan with up to 2, 10 and 20 digits, an address with 16, one for a plugin, and the blanks.
pub(super) const LONGEST: usize = 2 + 10 + 20 + 16 + 1 + 5;

/// What ended a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Number of the signal; 0 for a call of `exit`.
    pub signal: i32,
    /// The task whose thread it was, by its place in the order of urgency, and the number of its scan.
    pub scan: Option<(u32, u64)>,
    /// Where in the program's code, in bytes from its beginning.
    pub address: Option<u64>,
    /// Whether a plugin within the scan engine was executed, not the program.
    pub plugin: bool,
}

impl Fault {
    /// Reads the line; `None` when it is none.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let signal = words.next()?.parse().ok()?;
        let mut number = |radix| u64::from_str_radix(words.next()?, radix).ok();
        let (task, scan, address, plugin) = (number(10), number(10), number(16), number(10));
        let task = task.and_then(|task| u32::try_from(task).ok());
        Some(Self {
            signal,
            scan: task.zip(scan),
            address,
            plugin: plugin == Some(1),
        })
    }

    /// Writes the line and returns its length. Allocates nothing: a signal handler calls it.
    pub(super) fn write(&self, line: &mut [u8; LONGEST]) -> usize {
        let mut at = 0;
        let mut put = |number: Option<u64>, radix| {
            let mut digits = [b'-'; 20];
            let mut first = digits.len() - 1;
            if let Some(mut rest) = number {
                first = digits.len();
                loop {
                    first -= 1;
                    digits[first] = b"0123456789abcdef"[(rest % radix) as usize];
                    rest /= radix;
                    if rest == 0 {
                        break;
                    }
                }
            }
            let digits = &digits[first..];
            if let Some(place) = line.get_mut(at..at + digits.len()) {
                place.copy_from_slice(digits);
                at += digits.len();
            }
            if let Some(place) = line.get_mut(at) {
                *place = b' ';
                at += 1;
            }
        };
        put(u64::try_from(self.signal).ok(), 10);
        put(self.scan.map(|(task, _)| task.into()), 10);
        put(self.scan.map(|(_, scan)| scan), 10);
        put(self.address, 16);
        put(self.plugin.then_some(1), 10);
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(fault: Fault) -> String {
        let mut line = [0; LONGEST];
        let length = fault.write(&mut line);
        String::from_utf8(line[..length].to_vec()).unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let largest = Fault {
            signal: 31,
            scan: Some((u32::MAX, u64::MAX)),
            address: Some(u64::MAX),
            plugin: true,
        };
        let least = Fault {
            signal: 0,
            scan: None,
            address: None,
            plugin: false,
        };
        assert_eq!(written(largest).len(), LONGEST);
        assert_eq!(written(least), "0 - - - - ");
        for fault in [largest, least] {
            assert_eq!(Fault::parse(&written(fault)), Some(fault));
        }
        assert_eq!(
            Fault::parse("11 0 4711 1a2b"),
            Some(Fault {
                signal: 11,
                scan: Some((0, 4711)),
                address: Some(0x1a2b),
                plugin: false,
            })
        );
    }

    #[test]
    fn rubbish_and_half_a_line_are_read_as_far_as_they_go() {
        assert_eq!(Fault::parse(""), None);
        assert_eq!(Fault::parse("segfault"), None);
        let signal_only = Fault {
            signal: 11,
            scan: None,
            address: None,
            plugin: false,
        };
        assert_eq!(
            Fault::parse("11"),
            Some(signal_only),
            "a record of an older version"
        );
        assert_eq!(Fault::parse("11 99999999999 5 zz"), Some(signal_only));
    }
}
