//! Python blocks are asked for by a scan and granted by a supervisor, which starts processes. The two meet in a table of
//! atomics, so that the scan neither waits nor allocates.
//!
//! A block asks anew in each scan until it is granted. The program does not say which instance asks, so the table keeps
//! them apart by order: the n-th asking for the same script within one scan belongs to the n-th request for it.

use std::ffi::{CStr, c_char, c_void};
use std::sync::atomic::{AtomicPtr, AtomicU8, AtomicU64, AtomicUsize, Ordering};

/// Most Python blocks of one program, as in OpenPLC Runtime v4.
pub const MAX_BLOCKS: usize = 128;

const FREE: u8 = 0;
const ASKED: u8 = 1;
const READY: u8 = 2;
const REFUSED: u8 = 3;
const TAKEN: u8 = 4;
/// A request is being written down.
const CLAIMED: u8 = 5;

/// One request and its way from asked to taken.
#[derive(Default)]
struct Slot {
    state: AtomicU8,
    script_name: AtomicPtr<c_char>,
    script_template: AtomicPtr<c_char>,
    input_size: AtomicUsize,
    output_size: AtomicUsize,
    input: AtomicPtr<c_void>,
    output: AtomicPtr<c_void>,
    /// Scan in which it was last asked for, plus one; tells apart instances that ask in the same scan.
    asked_in: AtomicU64,
}

/// The Python blocks of one loaded program.
pub struct Requests {
    slots: Vec<Slot>,
    scan: AtomicU64,
}

/// What a block is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It runs; these are its areas.
    Ready {
        /// Where the program writes the block's inputs.
        input: *mut c_void,
        /// Where the program reads the block's outputs.
        output: *mut c_void,
    },
    /// Ask again in the next scan.
    NotYet,
    /// It can never run.
    Never,
}

/// A request as the supervisor sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Number to grant or refuse it by.
    pub number: usize,
    /// File name of the script, for example `PID.py`.
    pub script_name: String,
    /// Script with three placeholders.
    pub script_template: Vec<u8>,
    /// Bytes of the input area.
    pub input_size: usize,
    /// Bytes of the output area.
    pub output_size: usize,
}

impl Default for Requests {
    fn default() -> Self {
        Self {
            slots: (0..MAX_BLOCKS).map(|_| Slot::default()).collect(),
            scan: AtomicU64::new(0),
        }
    }
}

impl Requests {
    /// A new scan begins.
    pub fn next_scan(&self) {
        self.scan.fetch_add(1, Ordering::Relaxed);
    }

    /// Asked by the program, on the scan thread.
    pub(crate) fn ask(
        &self,
        script_name: *const c_char,
        script_template: *const c_char,
        input_size: u64,
        output_size: u64,
    ) -> Answer {
        let (Ok(input_size), Ok(output_size)) = (usize::try_from(input_size), usize::try_from(output_size))
        else {
            return Answer::Never;
        };
        let now = self.scan.load(Ordering::Relaxed) + 1;
        for slot in &self.slots {
            // Tasks may ask at the same time: the place goes to one of them.
            let claim = slot
                .state
                .compare_exchange(FREE, CLAIMED, Ordering::Acquire, Ordering::Acquire);
            let Err(state) = claim else {
                slot.script_name.store(script_name.cast_mut(), Ordering::Relaxed);
                slot.script_template
                    .store(script_template.cast_mut(), Ordering::Relaxed);
                slot.input_size.store(input_size, Ordering::Relaxed);
                slot.output_size.store(output_size, Ordering::Relaxed);
                slot.asked_in.store(now, Ordering::Relaxed);
                slot.state.store(ASKED, Ordering::Release);
                return Answer::NotYet;
            };
            let ours = state != TAKEN
                && state != CLAIMED
                && slot.asked_in.load(Ordering::Relaxed) != now
                && slot.script_template.load(Ordering::Relaxed) == script_template.cast_mut()
                && slot.input_size.load(Ordering::Relaxed) == input_size
                && slot.output_size.load(Ordering::Relaxed) == output_size;
            if !ours {
                continue;
            }
            slot.asked_in.store(now, Ordering::Relaxed);
            return match state {
                READY => {
                    slot.state.store(TAKEN, Ordering::Relaxed);
                    Answer::Ready {
                        input: slot.input.load(Ordering::Relaxed),
                        output: slot.output.load(Ordering::Relaxed),
                    }
                }
                REFUSED => Answer::Never,
                _ => Answer::NotYet,
            };
        }
        Answer::Never
    }

    /// Requests that wait to be granted or refused, seen by the supervisor. The program must still be loaded.
    pub fn waiting(&self) -> impl Iterator<Item = Request> + '_ {
        self.slots
            .iter()
            .enumerate()
            .filter(|(_, slot)| slot.state.load(Ordering::Acquire) == ASKED)
            .map(|(number, slot)| {
                let name = slot.script_name.load(Ordering::Relaxed);
                let template = slot.script_template.load(Ordering::Relaxed);
                Request {
                    number,
                    // SAFETY: by the ABI both are NUL-terminated and stay valid while the program is loaded.
                    script_name: unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned(),
                    // SAFETY: as above.
                    script_template: unsafe { CStr::from_ptr(template) }.to_bytes().to_vec(),
                    input_size: slot.input_size.load(Ordering::Relaxed),
                    output_size: slot.output_size.load(Ordering::Relaxed),
                }
            })
    }

    /// The block runs. The areas must stay valid until the program is unloaded.
    pub fn grant(&self, number: usize, input: *mut c_void, output: *mut c_void) {
        let slot = &self.slots[number];
        slot.input.store(input, Ordering::Relaxed);
        slot.output.store(output, Ordering::Relaxed);
        slot.state.store(READY, Ordering::Release);
    }

    /// The block can never run.
    pub fn refuse(&self, number: usize) {
        self.slots[number].state.store(REFUSED, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &CStr = c"PID.py";
    const TEMPLATE: &CStr = c"print(1)";

    fn ask(requests: &Requests) -> Answer {
        requests.ask(NAME.as_ptr(), TEMPLATE.as_ptr(), 4, 8)
    }

    #[test]
    fn two_instances_of_one_script_get_one_block_each() {
        let requests = Requests::default();
        for _ in 0..3 {
            requests.next_scan();
            assert_eq!((ask(&requests), ask(&requests)), (Answer::NotYet, Answer::NotYet));
        }
        let waiting: Vec<_> = requests.waiting().collect();
        assert_eq!(waiting.len(), 2, "asking again must not become a further block");
        assert_eq!((waiting[0].input_size, waiting[0].output_size), (4, 8));
        let areas = [[1_u8; 2], [2; 2]];
        for (request, area) in waiting.iter().zip(&areas) {
            let address: *mut c_void = area.as_ptr().cast_mut().cast();
            requests.grant(request.number, address, address);
        }
        requests.next_scan();
        let (first, second) = (ask(&requests), ask(&requests));
        assert!(matches!(
            (first, second),
            (Answer::Ready { .. }, Answer::Ready { .. })
        ));
        assert_ne!(first, second);
    }

    #[test]
    fn a_refused_block_stays_refused_and_is_seen_once() {
        let requests = Requests::default();
        requests.next_scan();
        ask(&requests);
        requests.refuse(0);
        requests.next_scan();
        assert_eq!(ask(&requests), Answer::Never);
        assert_eq!(requests.waiting().count(), 0);
    }

    #[test]
    fn the_table_has_an_end() {
        let requests = Requests::default();
        requests.next_scan();
        for _ in 0..MAX_BLOCKS {
            assert_eq!(ask(&requests), Answer::NotYet);
        }
        assert_eq!(ask(&requests), Answer::Never);
    }
}
