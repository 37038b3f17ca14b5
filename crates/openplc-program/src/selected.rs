//! Variables that are copied all at once, between two scans and in the least time: neighbours in one go, together with what
//! lies between them. Who wants the values takes them out of that raw copy later, beside the scans.

/// Places closer together than this many bytes are copied as one: flags and other variables between them cost less than a
/// further copy.
const NEIGHBOURS: usize = 64;

/// Where a variable lies in the program, and how many bytes it has; none when there is no such variable.
pub(crate) struct Place {
    start: *mut u8,
    size: usize,
}

impl Place {
    pub fn new(start: *mut u8, size: usize) -> Self {
        let size = if start.is_null() { 0 } else { size };
        Self { start, size }
    }
}

/// A stretch of the program's memory that is copied in one go.
struct Stretch {
    start: *const u8,
    length: usize,
}

/// The chosen variables of one program, in its memory.
pub(crate) struct Selected {
    places: Vec<Place>,
    stretches: Vec<Stretch>,
}

// SAFETY: the pointers lead into the static data of a loaded object, which any thread may use; who may when is said by the
// unsafe functions that use them.
unsafe impl Send for Selected {}
// SAFETY: as above.
unsafe impl Sync for Selected {}

/// Where the chosen variables lie in a raw copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// First byte and number of bytes of each; none for those that do not exist.
    places: Vec<(usize, usize)>,
    raw: usize,
}

impl Selection {
    /// Bytes of the variable with this number; 0 when it does not exist.
    #[must_use]
    pub fn size(&self, number: usize) -> usize {
        self.places.get(number).map_or(0, |(_, size)| *size)
    }

    /// Bytes of a raw copy.
    #[must_use]
    pub fn raw_bytes(&self) -> usize {
        self.raw
    }

    /// Takes the values out of a raw copy, one behind the other in the order of the choice. Leaves `values` empty when
    /// `raw` is no copy of this selection.
    pub fn values(&self, raw: &[u8], values: &mut Vec<u8>) {
        values.clear();
        if raw.len() == self.raw {
            for &(start, size) in &self.places {
                values.extend_from_slice(&raw[start..start + size]);
            }
        }
    }
}

/// Plans the copying of these places.
pub(crate) fn select(places: Vec<Place>) -> (Selected, Selection) {
    let mut order: Vec<usize> = (0..places.len())
        .filter(|number| places[*number].size > 0)
        .collect();
    order.sort_by_key(|number| places[*number].start.addr());
    let mut stretches: Vec<Stretch> = Vec::new();
    let mut copies = vec![(0, 0); places.len()];
    // Bytes of the raw copy in front of the last stretch.
    let mut before = 0;
    for number in order {
        let place = &places[number];
        let start = place.start.addr();
        if let Some(last) = stretches.last_mut()
            && start <= last.start.addr() + last.length + NEIGHBOURS
        {
            last.length = last.length.max(start + place.size - last.start.addr());
        } else {
            before += stretches.last().map_or(0, |last| last.length);
            stretches.push(Stretch {
                start: place.start,
                length: place.size,
            });
        }
        let first = stretches.last().map_or(start, |last| last.start.addr());
        copies[number] = (before + start - first, place.size);
    }
    let selection = Selection {
        places: copies,
        raw: before + stretches.last().map_or(0, |last| last.length),
    };
    (Selected { places, stretches }, selection)
}

impl Selected {
    /// # Safety
    /// The object that the places belong to is loaded, and nothing of it is executed meanwhile.
    pub unsafe fn copy(&self, raw: &mut Vec<u8>) {
        raw.clear();
        raw.reserve(self.stretches.iter().map(|stretch| stretch.length).sum());
        for stretch in &self.stretches {
            // SAFETY: the first and the last byte belong to variables, by contract of a loaded object. What lies between
            // two of them is less than a page, so it is mapped as they are.
            raw.extend_from_slice(unsafe { std::slice::from_raw_parts(stretch.start, stretch.length) });
        }
    }

    /// # Safety
    /// As [`Self::copy`].
    pub unsafe fn write(&mut self, number: usize, value: &[u8]) -> bool {
        let Some(place) = self
            .places
            .get(number)
            .filter(|place| place.size == value.len() && place.size > 0)
        else {
            return false;
        };
        // SAFETY: the place has as many bytes and belongs to a variable of a loaded object, which may be written; `value`
        // is memory of ours.
        unsafe { std::ptr::copy_nonoverlapping(value.as_ptr(), place.start, value.len()) };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_in_the_order_of_the_choice_and_go_back_to_their_places() {
        let mut memory: Vec<u8> = (0..=255).collect();
        let start = memory.as_mut_ptr();
        let place = |at: usize, size| Place::new(start.wrapping_add(at), size);
        // Two neighbours in reverse order, one far off, one that does not exist, one that is part of another.
        let places = vec![
            place(8, 2),
            place(4, 4),
            place(200, 8),
            Place::new(std::ptr::null_mut(), 4),
            place(202, 2),
        ];
        let (mut selected, selection) = select(places);
        assert_eq!(selected.stretches.len(), 2);
        assert_eq!(selection.raw_bytes(), 6 + 8);
        let (mut raw, mut values) = (Vec::new(), Vec::new());
        // SAFETY: the places lie in `memory`.
        unsafe { selected.copy(&mut raw) };
        selection.values(&raw, &mut values);
        assert_eq!(
            values,
            [8, 9, 4, 5, 6, 7, 200, 201, 202, 203, 204, 205, 206, 207, 202, 203]
        );
        // SAFETY: as above.
        let mut write = |number, value: &[u8]| unsafe { selected.write(number, value) };
        assert!(write(1, &[1, 2, 3, 4]));
        assert!(!write(1, &[1]), "a value of another length");
        assert!(!write(3, &[1, 2, 3, 4]), "a variable that does not exist");
        assert!(!write(9, &[1]));
        assert_eq!(memory[3..9], [3, 1, 2, 3, 4, 8]);
    }

    #[test]
    fn a_copy_of_another_selection_has_no_values() {
        let mut memory = [1_u8; 8];
        let (_, selection) = select(vec![Place::new(memory.as_mut_ptr(), 8)]);
        let mut values = vec![9];
        selection.values(&[0; 7], &mut values);
        assert!(values.is_empty());
    }
}
