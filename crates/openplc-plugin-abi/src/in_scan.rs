//! A plugin within the scan engine, whose hooks a scan executes: what it reads is of this scan, and what it writes at the beginning
//! the program finds in this scan. It is trusted: whatever it does wrong, the scan engine does.

use std::cell::RefCell;
use std::ffi::CStr;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use openplc_image::{Image, Layout, Sizes};
use openplc_plugin::{PlcState, Table, Write};
use openplc_rt::fault_record;
use openplc_rt::pi_mutex::{PiGuard, PiMutex};
use openplc_settings::plugins::AbiLayout;

use crate::arguments::Arguments;
use crate::functions::{self, Level, Runtime};
use crate::hooks::{Hooks, NotLoaded};
use crate::local_image::LocalImage;

/// What the plugin has of the scan engine. It is called on scan threads, too, so it neither waits nor allocates.
pub trait Engine: Sync {
    /// Starts or stops the PLC, when there is time for it.
    fn switch_plc(&self, run: bool);
    /// What the PLC does.
    fn state(&self) -> PlcState;
    /// Logs a line.
    fn log(&self, level: Level, line: &[u8]);
}

/// Where the plugin finds the process image.
pub trait ProcessImage {
    /// Gives `work` the image, which is locked meanwhile.
    fn with(&self, work: &mut dyn FnMut(&mut Image));
}

/// Why there is no plugin in the scan.
#[derive(Debug, thiserror::Error)]
pub enum NotInitialised {
    /// The shared object cannot be used.
    #[error(transparent)]
    Load(#[from] NotLoaded),
    /// Its `init` has failed with this number.
    #[error("its init has returned {0}")]
    Init(i32),
    /// There is no mutex, or there is a plugin already.
    #[error(transparent)]
    System(#[from] io::Error),
}

/// The plugin.
pub struct InScan {
    hooks: Hooks,
    shared: &'static Shared,
}

struct Shared {
    /// What the plugin's pointers lead to. While a thread of the plugin holds it, a scan waits.
    image: PiMutex<LocalImage>,
    working: AtomicBool,
    engine: &'static dyn Engine,
}

thread_local! {
    /// The image, as long as this thread has it, and how often it has locked it.
    static HELD: RefCell<Option<(PiGuard<'static, LocalImage>, u32)>> = const { RefCell::new(None) };
}

impl InScan {
    /// Loads a shared object and calls its `init`; once in a process. The plugin sees the first 1,024 slots of each table.
    ///
    /// # Errors
    /// [`NotInitialised`].
    pub fn initialise(
        path: &Path,
        layout: AbiLayout,
        configuration: &Path,
        engine: &'static dyn Engine,
    ) -> Result<Self, NotInitialised> {
        let hooks = Hooks::load(path)?;
        let image = LocalImage::new(Layout::new(&Sizes::default()));
        // The program, and with it the time between scans, comes later.
        let arguments = Arguments::new(&image, layout, configuration, 0);
        let shared: &'static Shared = Box::leak(Box::new(Shared {
            image: PiMutex::new(image)?,
            working: AtomicBool::new(false),
            engine,
        }));
        if !functions::set(shared) {
            return Err(io::Error::other("there is a plugin already").into());
        }
        match hooks.init(arguments.address()) {
            0 => Ok(Self { hooks, shared }),
            code => Err(NotInitialised::Init(code)),
        }
    }

    /// Calls `start_loop`; returns what that returned. If it is 0, hooks are called from now on.
    pub fn start(&self, image: &dyn ProcessImage) -> i32 {
        {
            let mut local = self.shared.image.lock();
            image.with(&mut |image| take(&mut local, image));
        }
        let code = self.hooks.start_loop();
        self.shared.working.store(code == 0, Ordering::Release);
        code
    }

    /// Calls `cycle_end` once more, with the image as it is now that there are no scans, so that the plugin can tell its devices
    /// the safe outputs, and then `stop_loop`. From now on hooks are called no longer.
    pub fn stop(&self, image: &dyn ProcessImage) {
        self.shared.lock();
        self.shared.working.store(false, Ordering::Release);
        self.shared
            .with_image(|local| image.with(&mut |image| take(local, image)));
        self.hooks.cycle_end();
        self.shared.unlock();
        self.hooks.stop_loop();
    }

    /// Whether hooks are called.
    #[must_use]
    pub fn is_working(&self) -> bool {
        self.shared.working.load(Ordering::Acquire)
    }

    /// Before the plugin's end.
    pub fn clean_up(&self) {
        self.hooks.cleanup();
    }

    /// At the beginning of a scan, before the program gets its inputs.
    pub fn cycle_start(&self, image: &dyn ProcessImage) {
        self.hook(image, Hooks::cycle_start);
    }

    /// At the end of a scan, when the program's outputs are in the image.
    pub fn cycle_end(&self, image: &dyn ProcessImage) {
        self.hook(image, Hooks::cycle_end);
    }

    fn hook(&self, image: &dyn ProcessImage, call: impl Fn(&Hooks)) {
        if !self.is_working() {
            return;
        }
        fault_record::set_in_plugin(true);
        self.shared.lock();
        if self.is_working() {
            // What threads of the plugin have written meanwhile.
            self.shared.with_image(|local| {
                image.with(&mut |image| {
                    give(local, image);
                    take(local, image);
                });
            });
            call(&self.hooks);
            self.shared
                .with_image(|local| image.with(&mut |image| give(local, image)));
        }
        self.shared.unlock();
        fault_record::set_in_plugin(false);
    }
}

/// Puts what the plugin has changed into the image.
fn give(local: &LocalImage, image: &mut Image) {
    local.changes(|write| {
        // What is forced, or not there, stays as it is.
        image.write(write.address, write.value);
    });
}

/// Shows the image to the plugin.
fn take(local: &mut LocalImage, image: &Image) {
    for table in Table::ALL {
        let into = local.table(table);
        let copied = image.copy_table(table, into);
        // Of an image that was larger.
        into[copied..].fill(0);
    }
    local.show();
}

impl Shared {
    fn with_image<T>(&self, work: impl FnOnce(&mut LocalImage) -> T) -> T {
        HELD.with_borrow_mut(|held| match held {
            Some((image, _)) => work(image),
            None => work(&mut self.image.lock()),
        })
    }
}

impl Runtime for Shared {
    fn lock(&'static self) {
        HELD.with_borrow_mut(|held| match held {
            Some((_, depth)) => *depth += 1,
            None => *held = Some((self.image.lock(), 1)),
        });
    }

    fn unlock(&self) {
        let unlocked = HELD.with_borrow_mut(|held| {
            let (_, depth) = held.as_mut()?;
            *depth -= 1;
            if *depth == 0 { held.take() } else { None }
        });
        drop(unlocked);
    }

    fn write(&self, write: Write) -> bool {
        self.with_image(|image| image.set(write))
    }

    fn switch_plc(&self, run: bool, reason: &CStr) {
        self.engine.log(Level::Warning, reason.to_bytes());
        self.engine.switch_plc(run);
    }

    fn state(&self) -> PlcState {
        self.engine.state()
    }

    fn log(&self, level: Level, line: &CStr) {
        self.engine.log(level, line.to_bytes().trim_ascii_end());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_smaller_image_does_not_have_is_zero() {
        let mut local = LocalImage::new(Layout::new(&Sizes::default()));
        let mut image = Image::new(&Sizes::default()).unwrap();
        for address in ["%IW5", "%IW500"] {
            assert!(image.write(address.parse().unwrap(), 7));
        }
        take(&mut local, &image);
        assert_eq!(local.table(Table::IntInput)[1000..1002], [7, 0]);
        let mut smaller = Image::new(&Sizes::uniform(16)).unwrap();
        assert!(smaller.write("%IW5".parse().unwrap(), 8));
        take(&mut local, &smaller);
        let words = local.table(Table::IntInput);
        assert_eq!((&words[10..12], &words[1000..1002]), (&[8, 0][..], &[0, 0][..]));
    }
}
