//! The process image as scan threads and the image server share it.
//!
//! Its mutex has priority inheritance, and everybody holds it only for a bounded copy: a scan thread twice in each scan, others
//! while a plugin comes or goes. The program itself executes without it.

use std::io;
use std::time::Duration;

use openplc_image::{Address, Binding, Image, LocatedValues, Moment, OutputPolicy, SafeOutputs, Sizes};
use openplc_rt::pi_mutex::PiMutex;

use crate::image_server::ImageKeeper;

/// How long others wait for the image.
const PATIENCE: Duration = Duration::from_secs(1);

/// The process image of the PLC. It outlives programs.
pub struct ProcessImage {
    kept: PiMutex<Kept>,
    policy: OutputPolicy,
}

struct Kept {
    image: Image,
    /// For images of this one's layout.
    safe_outputs: SafeOutputs,
}

/// An image of other sizes that is to take the place of the one that is there.
pub struct Replacement(Kept);

/// Bytes of an image that are taken over in a nanosecond, at least.
const BYTES_PER_NS: u64 = 2;

impl Replacement {
    /// How long (ns) it takes at most to put it in its place.
    pub fn time(&self) -> u64 {
        self.0.image.layout().bytes() as u64 / BYTES_PER_NS
    }
}

impl ProcessImage {
    /// An image of zeroes, whose outputs become what `policy` says when scans have ended.
    ///
    /// # Errors
    /// When there is no memory that can be shared, or no mutex.
    pub fn new(sizes: &Sizes, policy: OutputPolicy) -> io::Result<Self> {
        let kept = Kept::new(sizes, &policy)?;
        Ok(Self {
            kept: PiMutex::new(kept)?,
            policy,
        })
    }

    /// What outputs become when scans have ended.
    pub fn policy(&self) -> &OutputPolicy {
        &self.policy
    }

    /// An image of these sizes, if the one that is there has others. Beside everything else.
    ///
    /// # Errors
    /// When there is no memory that can be shared.
    pub fn prepare(&self, sizes: &Sizes) -> io::Result<Option<Replacement>> {
        if self.kept.lock().image.layout().sizes() == sizes {
            return Ok(None);
        }
        Kept::new(sizes, &self.policy).map(|kept| Some(Replacement(kept)))
    }

    /// Puts an image of other sizes in the place of this one, with all values and plugins, and returns the one before: it is
    /// to be dropped where memory may be given back. Plugins that still read the old one are told to come again.
    pub fn replace(&self, mut new: Replacement) -> Replacement {
        let mut kept = self.kept.lock();
        new.0.image.replace(&mut kept.image);
        Replacement(std::mem::replace(&mut kept, new.0))
    }

    /// Before a program's scans begin: see [`Binding::start`]. From now on outputs can be changed; what is forced are its `forces`, and
    /// nothing else. If it begins `afresh`, it finds no input of which nobody says any longer that it is so.
    pub fn start(
        &self,
        binding: &mut Binding,
        values: &mut impl LocatedValues,
        forces: impl Iterator<Item = (Address, u64)>,
        afresh: bool,
        now_ns: u64,
    ) {
        let image = &mut self.kept.lock().image;
        image.release_outputs(now_ns);
        if afresh {
            image.forget_old_inputs();
        }
        image.release_forces();
        for (address, value) in forces {
            image.force(address, Some(value));
        }
        binding.start(image, values);
    }

    /// Holds a value against program and plugins (`Some`), or lets it go (`None`). An output of a PLC that does not run keeps its
    /// safe value.
    pub fn force(&self, address: Address, value: Option<u64>) {
        self.kept.lock().image.force(address, value);
    }

    /// Before each scan: gives the program what plugins have written until now.
    pub fn before_scan(&self, binding: &mut Binding, values: &mut impl LocatedValues, now_ns: u64) {
        let image = &mut self.kept.lock().image;
        image.drain_journals(now_ns);
        binding.copy_in(image, values);
    }

    /// Between the scans of all tasks: gives variables that several of them use what others have changed.
    pub fn copy_in(&self, binding: &mut Binding, values: &mut impl LocatedValues) {
        binding.copy_in(&self.kept.lock().image, values);
    }

    /// Gives others what the program has changed in variables that several tasks use, as [`Self::after_scan`] does. They see
    /// it with the next publication.
    pub fn copy_out(&self, binding: &mut Binding, values: &impl LocatedValues, goes_on: impl Fn() -> bool) {
        let image = &mut self.kept.lock().image;
        if goes_on() {
            binding.copy_out(image, values);
        }
    }

    /// After each scan: gives plugins what the program has changed, unless it has come to an end meanwhile. Whether it has is
    /// asked while nobody can change the image.
    pub fn after_scan(
        &self,
        binding: &mut Binding,
        values: &impl LocatedValues,
        moment: Moment,
        goes_on: impl Fn() -> bool,
    ) {
        let image = &mut self.kept.lock().image;
        if goes_on() {
            binding.copy_out(image, values);
            image.publish(moment);
        }
    }

    /// When scans have ended, for whatever reason: sets outputs to their safe values, which they keep until [`Self::start`], and
    /// tells plugins of this `moment`. Nothing of it where there is none: that is asked while nobody can change the image.
    pub fn make_safe(&self, moment: impl FnOnce() -> Option<Moment>) {
        let Kept { image, safe_outputs } = &mut *self.kept.lock();
        if let Some(moment) = moment() {
            image.make_outputs_safe(safe_outputs);
            image.publish(moment);
        }
    }

    /// While there are no scans: takes what plugins write, and shows it to the others. Whether there are scans is asked while
    /// nobody can change the image, so that nothing is told that is no longer true.
    pub fn idle(&self, moment: Moment, is_running: impl Fn() -> bool) {
        let image = &mut self.kept.lock().image;
        if !is_running() {
            image.drain_journals(moment.time_ns);
            image.publish(moment);
        }
    }
}

impl Kept {
    fn new(sizes: &Sizes, policy: &OutputPolicy) -> io::Result<Self> {
        let image = Image::new(sizes)?;
        Ok(Self {
            safe_outputs: policy.prepare(image.layout()),
            image,
        })
    }
}

impl ImageKeeper for ProcessImage {
    fn with_image<T>(&self, work: impl FnOnce(&mut Image) -> T) -> Option<T> {
        Some(work(&mut self.kept.lock_within(PATIENCE)?.image))
    }
}

/// For the plugin within the scan.
impl openplc_plugin_abi::ProcessImage for ProcessImage {
    fn with(&self, work: &mut dyn FnMut(&mut Image)) {
        work(&mut self.kept.lock().image);
    }
}
