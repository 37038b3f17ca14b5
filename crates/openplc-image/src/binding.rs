//! The connection of a program's located variables with the image.

use thiserror::Error;

use crate::address::{Address, Area, Width};
use crate::atomics::AtomicU32;
use crate::image::Image;
use crate::layout::{Layout, Place};
use crate::safe_outputs::{OutputPolicy, SafeValue};
use crate::tables::Tables;

/// The located variables of a program, by their number in the list from which a [`Binding`] was made.
///
/// `N` is always the size of the variable's width in bytes; the bytes are in the machine's order.
pub trait LocatedValues {
    /// The value of a variable.
    fn read<const N: usize>(&self, variable: usize) -> [u8; N];
    /// Changes the value of a variable.
    fn write<const N: usize>(&mut self, variable: usize, value: [u8; N]);
}

/// Why a program cannot be bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{address} lies outside the process image, whose table has {slots} slots (image.conf)")]
pub struct OutsideImage {
    /// The located variable.
    pub address: Address,
    /// Slots of its table.
    pub slots: u32,
}

/// One variable.
#[derive(Debug, Clone, Copy)]
struct Point<const N: usize> {
    /// Its place in the image, in bytes.
    offset: u32,
    /// Its number in the program's list.
    variable: u32,
    /// Value that program and image have agreed upon.
    agreed: [u8; N],
}

/// The variables of one size.
#[derive(Debug, Default)]
struct Group<const N: usize> {
    /// Inputs, whose values go from the image to the program.
    inputs: Vec<Point<N>>,
    /// Outputs and memory, whose values go both ways.
    others: Vec<Point<N>>,
    /// Those of `others` whose places a program before this one had variables at, by their offset.
    inherited: Vec<u32>,
    /// Outputs that a program before this one had variables at and this one has not, by their offset, and what they become.
    abandoned: Vec<(u32, [u8; N])>,
}

/// The connection of one program's located variables with an image of one layout.
///
/// Between [`Binding::copy_in`] and [`Binding::copy_out`] the program owns its variables. What it has changed meanwhile goes
/// into the image; what it has not changed leaves the image alone. So a value that a plugin writes to an output or to
/// memory holds until the program changes it.
#[derive(Debug)]
pub struct Binding {
    /// Bits have a group of their own: every value but 0 means 1.
    bits: Group<1>,
    bytes: Group<1>,
    words: Group<2>,
    doubles: Group<4>,
    longs: Group<8>,
    /// The image's revision that the program has seen.
    seen: u64,
    /// Two variables have the same address, so that what one changes has to be brought to the other.
    aliased: bool,
}

impl Binding {
    /// Binds a program's located variables, in the order of its list. Not on the scan thread.
    ///
    /// # Errors
    /// [`OutsideImage`]
    pub fn new(layout: &Layout, variables: &[Address]) -> Result<Self, OutsideImage> {
        Self::of(layout, variables.iter().copied().enumerate())
    }

    /// Binds some of a program's located variables, each with its number in the list. Not on the scan thread.
    ///
    /// # Errors
    /// [`OutsideImage`]
    pub fn of(
        layout: &Layout,
        variables: impl IntoIterator<Item = (usize, Address)>,
    ) -> Result<Self, OutsideImage> {
        let mut binding = Self {
            bits: Group::default(),
            bytes: Group::default(),
            words: Group::default(),
            doubles: Group::default(),
            longs: Group::default(),
            seen: 0,
            aliased: false,
        };
        let variables: Vec<_> = variables.into_iter().collect();
        let mut sorted: Vec<Address> = variables.iter().map(|(_, address)| *address).collect();
        sorted.sort_unstable();
        binding.aliased = sorted.windows(2).any(|pair| pair[0] == pair[1]);
        for (variable, address) in variables {
            let place = layout.place(address).ok_or_else(|| OutsideImage {
                address,
                slots: layout.sizes().slots(address.table()),
            })?;
            let area = address.table().area();
            let (offset, variable) = (place.offset, variable as u32);
            match place.width {
                Width::Bit => binding.bits.add(area, offset, variable),
                Width::Byte => binding.bytes.add(area, offset, variable),
                Width::Word => binding.words.add(area, offset, variable),
                Width::Double => binding.doubles.add(area, offset, variable),
                Width::Long => binding.longs.add(area, offset, variable),
            }
        }
        binding.bits.sort();
        binding.bytes.sort();
        binding.words.sort();
        binding.doubles.sort();
        binding.longs.sort();
        Ok(binding)
    }

    /// Lets [`Self::start`] take the values of outputs and memory that `before` has bound too from the image, instead
    /// of giving them the program's initial values. Both must be bound to the same layout. Not on the scan thread.
    pub fn inherit(&mut self, before: &Self) {
        self.bits.inherit(&before.bits);
        self.bytes.inherit(&before.bytes);
        self.words.inherit(&before.words);
        self.doubles.inherit(&before.doubles);
        self.longs.inherit(&before.longs);
    }

    /// Lets [`Self::start`] give all outputs and memory the program's initial values after all. For the scan thread.
    pub fn inherit_nothing(&mut self) {
        self.bits.inherited.clear();
        self.bytes.inherited.clear();
        self.words.inherited.clear();
        self.doubles.inherited.clear();
        self.longs.inherited.clear();
    }

    /// Lets [`Self::start`] give outputs among `before`, the located variables of a program before this one, that this one has
    /// not bound their safe values, and zero to those that would be held: for nobody would ever change them again. Not on the scan
    /// thread.
    pub fn abandon(&mut self, layout: &Layout, before: &[Address], policy: &OutputPolicy) {
        let outputs = before
            .iter()
            .filter(|address| address.table().area() == Area::Output);
        for address in outputs {
            let Some(Place { offset, width }) = layout.place(*address) else {
                continue;
            };
            let value = match policy.of(*address) {
                SafeValue::Value(value) => value.to_le_bytes(),
                SafeValue::Off | SafeValue::Hold => [0; 8],
            };
            match width {
                Width::Bit => self.bits.abandon(offset, value),
                Width::Byte => self.bytes.abandon(offset, value),
                Width::Word => self.words.abandon(offset, value),
                Width::Double => self.doubles.abandon(offset, value),
                Width::Long => self.longs.abandon(offset, value),
            }
        }
    }

    /// Before the program's first scan: gives outputs and memory of the image the program's initial values, except those that
    /// it inherits, and then the program all values of the image. For the scan thread.
    pub fn start<M: AsRef<[AtomicU32]>>(&mut self, image: &mut Image<M>, values: &mut impl LocatedValues) {
        let tables = &mut image.tables;
        self.bits.seed(tables, values, truth);
        self.bytes.seed(tables, values, same);
        self.words.seed(tables, values, same);
        self.doubles.seed(tables, values, same);
        self.longs.seed(tables, values, same);
        tables.revision += 1;
        self.seen = tables.revision;
        self.bits.copy_all_in(tables, values);
        self.bytes.copy_all_in(tables, values);
        self.words.copy_all_in(tables, values);
        self.doubles.copy_all_in(tables, values);
        self.longs.copy_all_in(tables, values);
    }

    /// Before a scan: gives the program what others have changed. For the scan thread.
    pub fn copy_in<M: AsRef<[AtomicU32]>>(&mut self, image: &Image<M>, values: &mut impl LocatedValues) {
        let tables = &image.tables;
        self.bits.copy_inputs(tables, values);
        self.bytes.copy_inputs(tables, values);
        self.words.copy_inputs(tables, values);
        self.doubles.copy_inputs(tables, values);
        self.longs.copy_inputs(tables, values);
        if self.seen != tables.revision || self.aliased {
            self.seen = tables.revision;
            self.bits.copy_others_in(tables, values);
            self.bytes.copy_others_in(tables, values);
            self.words.copy_others_in(tables, values);
            self.doubles.copy_others_in(tables, values);
            self.longs.copy_others_in(tables, values);
        }
    }

    /// After a scan: gives the image what the program has changed. For the scan thread.
    pub fn copy_out<M: AsRef<[AtomicU32]>>(&mut self, image: &mut Image<M>, values: &impl LocatedValues) {
        let tables = &mut image.tables;
        let changed = self.bits.copy_others_out(tables, values, truth)
            | self.bytes.copy_others_out(tables, values, same)
            | self.words.copy_others_out(tables, values, same)
            | self.doubles.copy_others_out(tables, values, same)
            | self.longs.copy_others_out(tables, values, same);
        if changed {
            // Others have to look. We need not, unless there was something that we have not seen before.
            let up_to_date = self.seen == tables.revision;
            tables.revision += 1;
            if up_to_date {
                self.seen = tables.revision;
            }
        }
    }
}

/// A bit is 0 or 1, whatever the program keeps in its byte.
fn truth([byte]: [u8; 1]) -> [u8; 1] {
    [u8::from(byte != 0)]
}

fn same<const N: usize>(bytes: [u8; N]) -> [u8; N] {
    bytes
}

impl<const N: usize> Group<N> {
    fn add(&mut self, area: Area, offset: u32, variable: u32) {
        let point = Point {
            offset,
            variable,
            agreed: [0; N],
        };
        match area {
            Area::Input => self.inputs.push(point),
            Area::Output | Area::Memory => self.others.push(point),
        }
    }

    /// Orders points by their place in the image, so that a scan walks through it once.
    fn sort(&mut self) {
        self.inputs.sort_by_key(|point| point.offset);
        self.others.sort_by_key(|point| point.offset);
    }

    fn inherit(&mut self, before: &Self) {
        let offsets = self.others.iter().map(|point| point.offset);
        let inherited = |offset: &u32| {
            before
                .others
                .binary_search_by_key(offset, |point| point.offset)
                .is_ok()
        };
        self.inherited = offsets.filter(inherited).collect();
    }

    /// `value` begins with the bytes that the output becomes.
    fn abandon(&mut self, offset: u32, value: [u8; 8]) {
        let ours = self.others.binary_search_by_key(&offset, |point| point.offset);
        if ours.is_err() {
            let mut bytes = [0; N];
            bytes.copy_from_slice(&value[..N]);
            self.abandoned.push((offset, bytes));
        }
    }

    fn seed(
        &mut self,
        tables: &mut Tables,
        values: &impl LocatedValues,
        convert: impl Fn([u8; N]) -> [u8; N],
    ) {
        for (offset, value) in &self.abandoned {
            if !tables.forces.contain(*offset) {
                tables.set_bytes(*offset, *value);
            }
        }
        for point in &self.others {
            let inherited = self.inherited.binary_search(&point.offset).is_ok();
            if !inherited && !tables.forces.contain(point.offset) {
                tables.set_bytes(point.offset, convert(values.read(point.variable as usize)));
            }
        }
    }

    fn copy_inputs(&self, tables: &Tables, values: &mut impl LocatedValues) {
        for point in &self.inputs {
            values.write::<N>(point.variable as usize, tables.bytes(point.offset));
        }
    }

    fn copy_all_in(&mut self, tables: &Tables, values: &mut impl LocatedValues) {
        self.copy_inputs(tables, values);
        for point in &mut self.others {
            point.agreed = tables.bytes(point.offset);
            values.write(point.variable as usize, point.agreed);
        }
    }

    fn copy_others_in(&mut self, tables: &Tables, values: &mut impl LocatedValues) {
        for point in &mut self.others {
            let value = tables.bytes(point.offset);
            if value != point.agreed {
                point.agreed = value;
                values.write(point.variable as usize, value);
            }
        }
    }

    /// Whether anything has changed.
    fn copy_others_out(
        &mut self,
        tables: &mut Tables,
        values: &impl LocatedValues,
        convert: impl Fn([u8; N]) -> [u8; N],
    ) -> bool {
        let mut changed = false;
        for point in &mut self.others {
            let value = convert(values.read(point.variable as usize));
            if value == point.agreed {
                continue;
            }
            point.agreed = value;
            if !tables.forces.contain(point.offset) {
                tables.set_bytes(point.offset, value);
                changed = true;
            }
        }
        changed
    }
}
