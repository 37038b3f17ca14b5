//! Where a loaded object lies in memory.

use std::ffi::{c_int, c_void};
use std::ops::Range;

/// Segments of one loaded object.
#[derive(Debug, Default)]
pub(crate) struct Object {
    /// Where its file's address 0 lies.
    base: usize,
    loaded: Vec<Segment>,
    /// What the dynamic linker has made read-only after relocation.
    read_only: Range<usize>,
}

#[derive(Debug)]
struct Segment {
    addresses: Range<usize>,
    writable: bool,
}

impl Object {
    /// The object that `address` belongs to; an empty one when there is none.
    pub fn of(address: *const c_void) -> Self {
        let mut search = Search {
            address: address.addr(),
            found: Self::default(),
        };
        // SAFETY: the callback gets the pointer to `search`, which outlives the call, and is called by this thread only.
        unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut search).cast()) };
        search.found
    }

    /// From its first address to behind its last one. Addresses in its file count from the beginning.
    pub fn addresses(&self) -> Range<usize> {
        let end = self.loaded.iter().map(|segment| segment.addresses.end).max();
        self.base..end.unwrap_or(self.base)
    }

    /// Has the kernel provide all of its pages now rather than in the middle of a scan. Before Linux 5.14 this does nothing.
    pub fn prefault(&self) {
        for Segment { addresses, writable } in &self.loaded {
            populate(addresses.clone(), libc::MADV_POPULATE_READ);
            if *writable {
                // Its own copy of each page that it may write to.
                let end = self.read_only.end;
                let start = if addresses.contains(&self.read_only.start) {
                    end.clamp(addresses.start, addresses.end)
                } else {
                    addresses.start
                };
                populate(start..addresses.end, libc::MADV_POPULATE_WRITE);
            }
        }
    }
}

fn populate(addresses: Range<usize>, advice: c_int) {
    // SAFETY: sysconf takes a number.
    let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096);
    let start = addresses.start / page * page;
    let end = addresses.end.next_multiple_of(page);
    // SAFETY: populating changes no content, whatever lies there. It only saves time later, so its failure is no matter.
    unsafe { libc::madvise(start as *mut c_void, end - start, advice) };
}

struct Search {
    address: usize,
    found: Object,
}

/// Looks at one object, and stops at the one that is searched.
extern "C" fn visit(info: *mut libc::dl_phdr_info, _: libc::size_t, search: *mut c_void) -> c_int {
    // SAFETY: dl_iterate_phdr passes what `Object::of` gave it, to this thread only.
    let search = unsafe { &mut *search.cast::<Search>() };
    // SAFETY: dl_iterate_phdr passes a valid description of an object for the time of this call.
    let info = unsafe { &*info };
    // SAFETY: by its contract the description has this many headers.
    let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) };
    let base = info.dlpi_addr as usize;
    let mut object = Object {
        base,
        ..Object::default()
    };
    for header in headers {
        let start = base + header.p_vaddr as usize;
        let addresses = start..start + header.p_memsz as usize;
        match header.p_type {
            libc::PT_LOAD => object.loaded.push(Segment {
                addresses,
                writable: header.p_flags & libc::PF_W != 0,
            }),
            libc::PT_GNU_RELRO => object.read_only = addresses,
            _ => {}
        }
    }
    let is_it = object
        .loaded
        .iter()
        .any(|segment| segment.addresses.contains(&search.address));
    if is_it {
        search.found = object;
    }
    is_it.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    static HERE: u8 = 1;

    #[test]
    fn the_object_around_an_address_is_found_and_can_be_prefaulted() {
        let object = Object::of((&raw const HERE).cast());
        assert!(object.addresses().contains(&(&raw const HERE).addr()));
        assert!(object.loaded.iter().any(|segment| segment.writable));
        object.prefault();
        assert!(Object::of(std::ptr::null()).loaded.is_empty());
    }
}
