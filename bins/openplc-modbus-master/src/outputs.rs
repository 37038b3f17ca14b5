//! What devices are sent of the image.

use openplc_plugin::{PlcState, Plugin, Unavailable};

use crate::job::Job;
use crate::values;

/// Values of one scan for a request that writes.
pub struct Outputs {
    /// Whether the PLC runs. Where it does not, the values are safe ones.
    pub state: PlcState,
    /// In the order of the request.
    pub values: Vec<u64>,
}

impl Outputs {
    /// The values now. While the core is away all outputs are off. `None`: nothing consistent can be read, try again.
    pub fn of(plugin: &Plugin, job: &Job) -> Option<Self> {
        let mut values = Vec::new();
        let read = plugin.read(|view| {
            let complete = values::of_image(job, view, &mut values);
            complete.map(|()| view.moment().state)
        });
        match read {
            Ok(state) => state.map(|state| Self { state, values }),
            Err(Unavailable::Detached) => {
                let count = job.pieces.iter().map(|piece| piece.count as usize).sum();
                Some(Self {
                    state: PlcState::Stopped,
                    values: vec![0; count],
                })
            }
            Err(Unavailable::Disturbed) => None,
        }
    }
}
