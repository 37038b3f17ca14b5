//! A program's variables as the debug protocol sees them.

use openplc_engine::debug::{NotForced, Variables};
use openplc_image::{Address, Area, Width};
use openplc_program::{ForceError, Program};

use crate::process_image::ProcessImage;

/// The variables of a program. Located outputs and memory are forced in the process image too, so that no
/// plugin changes them. Inputs are not: what the world says is there again once the program lets go of the forced value.
pub struct DebugVariables<'a> {
    /// The program, between two scans.
    pub program: &'a mut Program,
    /// Addresses of its located variables.
    pub located: &'a [Address],
    /// What each of them is forced to, if it is.
    pub forced: &'a mut [Option<u64>],
    /// The image that they lie in.
    pub image: &'a ProcessImage,
}

impl DebugVariables<'_> {
    /// The value of a variable of at most 64 bits, as an unsigned number.
    fn number(&mut self, index: u32) -> Option<u64> {
        let mut bytes = [0; 8];
        self.program.read(index, &mut bytes)?;
        Some(u64::from_le_bytes(bytes))
    }
}

impl Variables for DebugVariables<'_> {
    fn arrays(&self) -> &[u32] {
        self.program.array_lengths()
    }

    fn size(&mut self, index: u32) -> Option<usize> {
        self.program.variable_size(index)
    }

    fn read(&mut self, index: u32, into: &mut [u8]) -> Option<usize> {
        self.program.read(index, into)
    }

    fn force(&mut self, index: u32, value: Option<&[u8]>) -> Result<(), NotForced> {
        let number = self.program.located_by_debug_address(index);
        let located = number.and_then(|number| Some((number, *self.located.get(number)?)));
        // A bit is 0 or 1: the image holds nothing else.
        let bit;
        let value = match (located, value) {
            (Some((_, address)), Some([byte])) if address.table().width() == Width::Bit => {
                bit = [u8::from(*byte != 0)];
                Some(bit.as_slice())
            }
            _ => value,
        };
        self.program.force(index, value).map_err(|error| match error {
            ForceError::OutOfBounds | ForceError::Failed => NotForced::OutOfBounds,
            ForceError::WrongLength => NotForced::WrongLength,
            ForceError::ReadOnly => NotForced::ReadOnly,
        })?;
        if let Some((number, address)) = located.filter(|(_, address)| address.table().area() != Area::Input)
        {
            // Read back, because the debugger may have another byte order.
            let forced = value.and_then(|_| self.number(index));
            if let Some(noted) = self.forced.get_mut(number) {
                *noted = forced;
            }
            self.image.force(address, forced);
        }
        Ok(())
    }
}
