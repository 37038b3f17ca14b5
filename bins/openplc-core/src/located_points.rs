//! Where the process image has the located variables of a program, and which of its tasks exchanges which of them.
//!
//! What one task alone uses it exchanges itself, before and after each of its scans. What several tasks use (located global
//! variables) is exchanged when none of them executes: so nobody outside sees a value that a scan is still working on, and no
//! scan sees an input change.

use openplc_image::{
    Address, AddressError, Area, Binding, Layout, LocatedValues, OutputPolicy, OutsideImage, Sizes,
    SizesError, Width,
};
use openplc_program::{Located, Program};
use openplc_rt::pi_mutex::PiMutex;

use crate::process_image::ProcessImage;

/// Shared variables are exchanged at the latest after this many intervals of the slowest task, even if some task executes all
/// the time.
const LATEST_INTERVALS: u64 = 2;

/// Why a program cannot be bound to the process image.
#[derive(Debug, thiserror::Error)]
pub enum Unbound {
    /// A located variable has an address that does not exist.
    #[error("a located variable of the program has no address: {0}")]
    Address(#[from] AddressError),
    /// A located variable is of no area or width that there is.
    #[error("a located variable of the program begins with %{0}{1}, which does not exist")]
    Unknown(char, char),
    /// A located variable lies outside of the process image.
    #[error(transparent)]
    Outside(#[from] OutsideImage),
    /// The sizes that the program wishes are not understood.
    #[error(transparent)]
    Sizes(#[from] SizesError),
    /// The system gives no mutex.
    #[error("there is no lock for the variables that several tasks use: {0}")]
    Lock(#[from] std::io::Error),
}

/// The located variables of one program.
pub struct LocatedPoints {
    /// By their number in the program's list.
    pub addresses: Vec<Address>,
    /// The one task that uses each; `None`: several.
    tasks: Vec<Option<usize>>,
    /// The image that they lie in.
    pub layout: Layout,
}

impl LocatedPoints {
    /// Those of a program, in an image of the sizes that its `image.conf` states, or of the usual ones, but always large
    /// enough for them.
    ///
    /// # Errors
    /// [`Unbound`].
    pub fn of(program: &Program, image_conf: Option<&str>) -> Result<Self, Unbound> {
        let address = |variable: &Located| {
            let (area, width) = (variable.area, variable.width);
            let parts = Area::from_letter(area).zip(Width::from_letter(width));
            let (in_area, of_width) = parts.ok_or(Unbound::Unknown(area, width))?;
            Ok::<_, Unbound>(Address::new(in_area, of_width, variable.slot, variable.bit)?)
        };
        let addresses: Vec<_> = program.located().iter().map(address).collect::<Result<_, _>>()?;
        let mut sizes = image_conf.map(Sizes::parse).transpose()?.unwrap_or_default();
        addresses.iter().for_each(|address| sizes.cover(*address));
        Ok(Self {
            addresses,
            tasks: program.located().iter().map(|variable| variable.task).collect(),
            layout: Layout::new(&sizes),
        })
    }

    /// Those that this task alone uses.
    ///
    /// # Errors
    /// [`OutsideImage`].
    pub fn of_task(&self, task: usize) -> Result<Binding, OutsideImage> {
        self.with_task(Some(task))
    }

    fn with_task(&self, wanted: Option<usize>) -> Result<Binding, OutsideImage> {
        let numbered = self.addresses.iter().copied().enumerate();
        let chosen = numbered.zip(&self.tasks).filter(|(_, task)| **task == wanted);
        Binding::of(&self.layout, chosen.map(|(variable, _)| variable))
    }

    /// Those that several tasks use, if there are any. `slowest` is the longest interval (ns) of a task.
    ///
    /// # Errors
    /// [`Unbound`].
    pub fn shared(&self, slowest: u64) -> Result<Option<SharedPoints>, Unbound> {
        if self.tasks.iter().all(Option::is_some) {
            return Ok(None);
        }
        let inner = Inner {
            binding: self.with_task(None)?,
            executing: 0,
            exchanged: 0,
        };
        Ok(Some(SharedPoints {
            inner: PiMutex::new(inner)?,
            latest: slowest.saturating_mul(LATEST_INTERVALS),
        }))
    }

    /// All of them, prepared to follow a program before this one that had located variables at `before`, as far as this one's image
    /// has them.
    ///
    /// # Errors
    /// [`OutsideImage`].
    pub fn following(&self, before: &[Address], policy: &OutputPolicy) -> Result<Binding, OutsideImage> {
        let slots = |address: &Address| self.layout.sizes().slots(address.table());
        let inside: Vec<_> = before
            .iter()
            .copied()
            .filter(|address| address.slot() < slots(address))
            .collect();
        let mut binding = Binding::new(&self.layout, &self.addresses)?;
        binding.inherit(&Binding::new(&self.layout, &inside)?);
        binding.abandon(&self.layout, &inside, policy);
        Ok(binding)
    }
}

/// The located variables that several tasks use.
pub struct SharedPoints {
    inner: PiMutex<Inner>,
    /// Longest time (ns) between two exchanges.
    latest: u64,
}

struct Inner {
    binding: Binding,
    /// Tasks that execute a scan.
    executing: u32,
    /// Time (ns) of the last exchange.
    exchanged: u64,
}

impl SharedPoints {
    /// A task is about to execute its scan.
    pub fn before_scan(&self, image: &ProcessImage, values: &mut impl LocatedValues, now: u64) {
        let mut inner = self.inner.lock();
        if inner.is_due(now, self.latest) {
            inner.exchanged = now;
            image.copy_in(&mut inner.binding, values);
        }
        inner.executing += 1;
    }

    /// A task has executed its scan. What that has changed goes out only if the program `goes_on`.
    pub fn after_scan(
        &self,
        image: &ProcessImage,
        values: &impl LocatedValues,
        now: u64,
        goes_on: impl Fn() -> bool,
    ) {
        let mut inner = self.inner.lock();
        inner.executing -= 1;
        if inner.is_due(now, self.latest) {
            inner.exchanged = now;
            image.copy_out(&mut inner.binding, values, goes_on);
        }
    }
}

impl Inner {
    fn is_due(&self, now: u64, latest: u64) -> bool {
        self.executing == 0 || now.saturating_sub(self.exchanged) > latest
    }
}
