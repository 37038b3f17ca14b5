//! The process image as scan threads and the image server share it.
//!
//! Its mutex has priority inheritance, and everybody holds it only for a bounded copy: a scan thread twice in each scan, others
//! while a plugin comes or goes. The program itself executes without it.

use std::io;
use std::time::Duration;

use openplc_image::{Address, Binding, Image, LocatedValues, Moment, SafeOutputs, Sizes};
use openplc_rt::pi_mutex::PiMutex;

use crate::image_server::ImageKeeper;

/// How long others wait for the image.
const PATIENCE: Duration = Duration::from_secs(1);

/// The process image of the PLC. It outlives programs.
pub struct ProcessImage(PiMutex<Image>);

impl ProcessImage {
    /// An image of zeroes.
    ///
    /// # Errors
    /// When there is no memory that can be shared, or no mutex.
    pub fn new(sizes: &Sizes) -> io::Result<Self> {
        Ok(Self(PiMutex::new(Image::new(sizes)?)?))
    }

    /// Before the first scan of a program, in which nothing is forced yet: see [`Binding::start`].
    pub fn start(&self, binding: &mut Binding, values: &mut impl LocatedValues) {
        let mut image = self.0.lock();
        image.release_forces();
        binding.start(&mut image, values);
    }

    /// Holds a value against program and plugins (`Some`), or lets it go (`None`).
    pub fn force(&self, address: Address, value: Option<u64>) {
        self.0.lock().force(address, value);
    }

    /// Before each scan: gives the program what plugins have written until now.
    pub fn before_scan(&self, binding: &mut Binding, values: &mut impl LocatedValues, now_ns: u64) {
        let mut image = self.0.lock();
        image.drain_journals(now_ns);
        binding.copy_in(&image, values);
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
        let mut image = self.0.lock();
        if goes_on() {
            binding.copy_out(&mut image, values);
            image.publish(moment);
        }
    }

    /// When scans have ended, for whatever reason: sets outputs to their safe values and tells plugins.
    pub fn make_safe(&self, outputs: &SafeOutputs, moment: Moment) {
        let mut image = self.0.lock();
        image.apply_safe_outputs(outputs);
        image.publish(moment);
    }

    /// While there are no scans: takes what plugins write, and shows it to the others.
    pub fn idle(&self, moment: Moment) {
        let mut image = self.0.lock();
        image.drain_journals(moment.time_ns);
        image.publish(moment);
    }

    /// Puts an image of other sizes in the place of this one, with all values and plugins, and returns the one before. Plugins
    /// still read the old one: send them away ([`crate::image_server::ImageServer::disconnect_all`]).
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "programs with an image.conf are not built yet")
    )]
    pub fn replace(&self, mut new: Image) -> Image {
        let mut image = self.0.lock();
        new.replace(&mut image);
        std::mem::replace(&mut image, new)
    }
}

impl ImageKeeper for ProcessImage {
    fn with_image<T>(&self, work: impl FnOnce(&mut Image) -> T) -> Option<T> {
        Some(work(&mut *self.0.lock_within(PATIENCE)?))
    }
}
