//! How the values of one layout become those of another.

use std::collections::HashMap;
use std::ops::Range;

use crate::layout::{Layout, Leaf};
use crate::number;

/// What became of retained values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Number of variables that have their value again, unchanged.
    pub restored: usize,
    /// Variables whose type has changed and can hold the value.
    pub converted: Vec<String>,
    /// Stored variables that are gone, or whose type has changed and cannot hold the value.
    pub dropped: Vec<String>,
    /// Variables that were not stored: they have their initial values.
    pub added: Vec<String>,
}

/// What happens to one stored value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Same,
    Convert,
    Drop,
}

#[derive(Debug)]
struct Step {
    way: Way,
    /// Number of the stored variable.
    source: usize,
    /// Place of the stored value.
    from: Range<usize>,
    /// Number of the variable that takes it; unused when it is dropped.
    target: usize,
}

/// A plan that is made beside everything else, so that following it takes little time.
#[derive(Debug)]
pub struct Transfer {
    steps: Vec<Step>,
    /// Whether the value of each step was handed on.
    kept: Vec<bool>,
    added: Vec<String>,
    sources: Vec<Leaf>,
    targets: Vec<Leaf>,
    values: usize,
}

impl Transfer {
    /// Plans how values of `from` become those of `to`: by name; unchanged where the type is the same, else by a numeric
    /// conversion that loses nothing.
    #[must_use]
    pub fn new(from: &Layout, to: &Layout) -> Self {
        let mut targets: HashMap<&str, usize> = to
            .leaves()
            .iter()
            .enumerate()
            .map(|(number, leaf)| (leaf.name.as_str(), number))
            .collect();
        let same_representation = from.representation() == to.representation();
        let mut steps = Vec::with_capacity(from.leaves().len());
        let mut at = 0;
        for (source, leaf) in from.leaves().iter().enumerate() {
            let target = targets.get(leaf.name.as_str()).copied();
            let way = target.map_or(Way::Drop, |target| {
                way(leaf, &to.leaves()[target], same_representation)
            });
            if way != Way::Drop {
                targets.remove(leaf.name.as_str());
            }
            steps.push(Step {
                way,
                source,
                from: at..at + leaf.size as usize,
                target: target.unwrap_or_default(),
            });
            at += leaf.size as usize;
        }
        let stored: HashMap<&str, ()> = from
            .leaves()
            .iter()
            .map(|leaf| (leaf.name.as_str(), ()))
            .collect();
        let added = to
            .leaves()
            .iter()
            .filter(|leaf| !stored.contains_key(leaf.name.as_str()))
            .map(|leaf| leaf.name.clone())
            .collect();
        Self {
            kept: vec![false; steps.len()],
            steps,
            added,
            sources: from.leaves().to_vec(),
            targets: to.leaves().to_vec(),
            values: from.values_length(),
        }
    }

    /// Hands each value to `write` with the number of the variable that takes it. `values` must be those of the layout
    /// that the plan was made from; when they are not, nothing is written and everything counts as dropped. Allocates
    /// nothing.
    pub fn apply(&mut self, values: &[u8], mut write: impl FnMut(usize, &[u8])) {
        let whole = values.len() == self.values;
        for (step, kept) in self.steps.iter().zip(&mut self.kept) {
            *kept = whole && step.way != Way::Drop;
            if !*kept {
                continue;
            }
            let value = &values[step.from.clone()];
            if step.way == Way::Same {
                write(step.target, value);
                continue;
            }
            let (source, target) = (&self.sources[step.source], &self.targets[step.target]);
            let mut converted = [0; 8];
            let converted = &mut converted[..target.size as usize];
            *kept = number::convert(&source.iec_type, value, &target.iec_type, converted);
            if *kept {
                write(step.target, converted);
            }
        }
    }

    /// What the last [`Self::apply`] did.
    #[must_use]
    pub fn report(&self) -> Report {
        let mut report = Report {
            added: self.added.clone(),
            ..Report::default()
        };
        for (step, kept) in self.steps.iter().zip(&self.kept) {
            let name = || self.sources[step.source].name.clone();
            match (kept, step.way) {
                (true, Way::Convert) => report.converted.push(name()),
                (true, _) => report.restored += 1,
                (false, _) => report.dropped.push(name()),
            }
        }
        report
    }
}

fn way(from: &Leaf, to: &Leaf, same_representation: bool) -> Way {
    let numbers = number::is_number(&from.iec_type, from.size) && number::is_number(&to.iec_type, to.size);
    let bits = from.iec_type == "BOOL" && from.size == 1;
    if from.iec_type == to.iec_type && from.size == to.size && (same_representation || numbers || bits) {
        Way::Same
    } else if numbers {
        Way::Convert
    } else {
        Way::Drop
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::tests::layout;

    fn apply(from: &Layout, to: &Layout, values: &[u8]) -> (Vec<(usize, Vec<u8>)>, Report) {
        let mut written = Vec::new();
        let mut transfer = Transfer::new(from, to);
        transfer.apply(values, |number, value| written.push((number, value.to_vec())));
        (written, transfer.report())
    }

    #[test]
    fn values_follow_their_names() {
        let from = layout(
            "old",
            &[
                ("A", "INT", 2),
                ("GONE", "BOOL", 1),
                ("B", "INT", 2),
                ("C", "DINT", 4),
            ],
        );
        let to = layout(
            "new",
            &[
                ("NEW", "INT", 2),
                ("C", "INT", 2),
                ("B", "DINT", 4),
                ("A", "INT", 2),
            ],
        );
        let mut values = 7_i16.to_ne_bytes().to_vec();
        values.push(1);
        values.extend((-3_i16).to_ne_bytes());
        values.extend(100_000_i32.to_ne_bytes());
        let (written, report) = apply(&from, &to, &values);
        assert_eq!(
            written,
            [
                (3, 7_i16.to_ne_bytes().to_vec()),
                (2, (-3_i32).to_ne_bytes().to_vec())
            ]
        );
        assert_eq!(
            report,
            Report {
                restored: 1,
                converted: vec!["B".into()],
                dropped: vec!["GONE".into(), "C".into()],
                added: vec!["NEW".into()],
            }
        );
    }

    #[test]
    fn times_and_strings_are_not_read_in_another_representation() {
        let matiec = layout("p", &[("T", "TIME", 8), ("N", "LINT", 8)]);
        let other = Layout::new("p", "STruC++", matiec.leaves().to_vec()).unwrap();
        let (written, report) = apply(&matiec, &other, &[0; 16]);
        assert_eq!(written.len(), 1);
        assert_eq!((report.restored, report.dropped), (1, vec!["T".to_owned()]));
    }

    #[test]
    fn values_of_another_length_are_not_taken() {
        let layout = layout("p", &[("A", "INT", 2)]);
        let (written, report) = apply(&layout, &layout, &[1]);
        assert!(written.is_empty());
        assert_eq!(report.dropped, ["A"]);
    }
}
