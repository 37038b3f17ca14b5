//! A loaded program: the safe face of the table that an object exports.

use std::ffi::CStr;
use std::ops::Range;
use std::path::Path;

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

use crate::abi;
use crate::description::{Fault, Faulted, ForceError, LoadError, Located, Task};
use crate::host::{Host, HostTable};
use crate::located::{LocatedStorage, LocatedValues, Scope};
use crate::object::Object;
use crate::selected::{self, Place, Selected, Selection};
use crate::table::{self, Functions};

/// The symbol that every object exports.
const TABLE: &CStr = c"openplc_program_table";
/// Most tasks that a program may have.
pub const MAX_TASKS: usize = 64;

/// The right to execute the scans of one task: there is one for each.
#[derive(Debug)]
pub struct TaskRun {
    number: u32,
    /// Address of the program's host table: no two programs have the same.
    program: usize,
}

impl TaskRun {
    /// Which of [`Program::tasks`] it is.
    #[must_use]
    pub fn number(&self) -> usize {
        self.number as usize
    }
}

/// A loaded and initialised program.
///
/// Different tasks may execute at the same time, each on its own thread; everything else needs `&mut self`, so whoever
/// shares a program must keep its scans apart from debug requests.
pub struct Program {
    functions: Functions,
    md5: String,
    tasks: Vec<Task>,
    runs: Vec<TaskRun>,
    located: Vec<Located>,
    located_storage: LocatedStorage,
    array_lengths: Vec<u32>,
    string_layout: u64,
    object: Object,
    selected: Option<Selected>,
    // Fields drop in order: the code is unmapped before the host table that it may call.
    _library: Library,
    _host: Box<HostTable>,
}

impl Program {
    /// Links the object at `path` into this process and initialises it.
    ///
    /// The object runs its own machine code here, with all the rights of this process: load only what our own build made
    /// and whose hash has been checked. Must not be called on a scan thread.
    ///
    /// # Errors
    /// [`LoadError`]; nothing of the object is left in the process then.
    pub fn load(path: &Path, host: Box<dyn Host>) -> Result<Self, LoadError> {
        // SAFETY: running the object's initialisers is the purpose; whether it may be trusted is the caller's contract.
        let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }?;
        // SAFETY: by the ABI the symbol is a function of this type.
        let entry = unsafe {
            library.get::<unsafe extern "C" fn() -> *const abi::Program>(TABLE.to_bytes_with_nul())
        }?;
        // SAFETY: the function takes nothing and returns the address of a static table.
        let table = unsafe { entry() };
        if table.is_null() {
            return Err(LoadError::Broken("the table is missing"));
        }
        // SAFETY: not null, and by the ABI at least its version and size are there in every version.
        let version = unsafe { (*table).abi };
        if version != abi::ABI {
            return Err(LoadError::Version(version));
        }
        // SAFETY: as above.
        if (unsafe { (*table).size } as usize) < size_of::<abi::Program>() {
            return Err(LoadError::Broken("the table is too short"));
        }
        let address = table;
        // SAFETY: the version and size say that the whole struct is there; it is static in the object.
        let table = unsafe { &*address };
        let functions = Functions::of(address, table)?;
        let init = table.init.ok_or(LoadError::Broken("init is missing"))?;
        let host = HostTable::new(host);
        // SAFETY: by the ABI init takes a host table that outlives the program (field order of `Program`).
        if unsafe { init(&raw const host.table) } != abi::OK {
            return Err(LoadError::Init(table::text(functions.fault_text)));
        }
        // A new reference: init has filled in what the first one must not see change.
        // SAFETY: as above.
        let table = unsafe { &*address };
        let tasks = table::tasks(table)?;
        let located_storage = table::located_storage(table, functions.variable_storage, tasks.len())?;
        Ok(Self {
            functions,
            // SAFETY: by the ABI a NUL-terminated text in the object, or null.
            md5: unsafe { table::string(table.md5) }.ok_or(LoadError::Broken("the MD5 is missing"))?,
            runs: (0..)
                .map(|number| TaskRun {
                    number,
                    program: address_of(&host),
                })
                .take(tasks.len())
                .collect(),
            tasks,
            located: table::located(table, &located_storage)?,
            located_storage,
            array_lengths: table::array_lengths(table)?,
            string_layout: table::stored_sizes(address).map_or(0, |sizes| sizes.string_layout),
            object: Object::of(address.cast()),
            selected: None,
            _library: library,
            _host: host,
        })
    }

    /// Whether the object at `path` is in this process already. Loading it again would give the one in memory, with all its
    /// values, and not a fresh one.
    #[must_use]
    pub fn is_loaded(path: &Path) -> bool {
        let flags = RTLD_NOW | RTLD_LOCAL | libc::RTLD_NOLOAD;
        // SAFETY: RTLD_NOLOAD loads nothing, so no initialiser runs; the handle is closed at once.
        unsafe { Library::open(Some(path), flags) }.is_ok()
    }

    /// Has the kernel provide the memory of its code and data now, so that no scan waits for it.
    pub fn prefault(&self) {
        self.object.prefault();
    }

    /// Where it lies in memory, from what its file calls address 0.
    #[must_use]
    pub fn addresses(&self) -> Range<usize> {
        self.object.addresses()
    }

    /// MD5 of the program's source, 32 hexadecimal digits.
    #[must_use]
    pub fn md5(&self) -> &str {
        &self.md5
    }

    /// IEC tasks; at least one.
    #[must_use]
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// Located variables.
    #[must_use]
    pub fn located(&self) -> &[Located] {
        &self.located
    }

    /// The values of the located variables that this task alone uses, between two of its scans. `None` when the task is
    /// another program's.
    pub fn located_values<'a>(&'a self, task: &'a mut TaskRun) -> Option<LocatedValues<'a>> {
        let ours = task.program == address_of(&self._host);
        // SAFETY: the program is loaded. The task does not execute, because that needs `task`, nor does anything else of it
        // that uses these values, because that needs `&mut self`.
        ours.then(|| unsafe { LocatedValues::new(&self.located_storage, Scope::Task(task.number)) })
    }

    /// The values of the located variables that several tasks use. The tasks may be executing: each value for itself is
    /// whole, but the program may be about to change it.
    #[must_use]
    pub fn shared_values(&self) -> LocatedValues<'_> {
        // SAFETY: the program is loaded; these values are accessed in a way that needs no more.
        unsafe { LocatedValues::new(&self.located_storage, Scope::Shared) }
    }

    /// The values of all located variables, while no task executes.
    pub fn all_values(&mut self) -> LocatedValues<'_> {
        // SAFETY: the program is loaded, and nothing of it is executed (`&mut self`).
        unsafe { LocatedValues::new(&self.located_storage, Scope::All) }
    }

    /// The number of the located variable that a debugger knows by this address, if it is one. Unknown of programs that an
    /// older version of the runtime has built.
    #[must_use]
    pub fn located_by_debug_address(&self, address: u32) -> Option<usize> {
        self.located_storage.at_debug_address(address)
    }

    /// Lengths of the debug arrays.
    #[must_use]
    pub fn array_lengths(&self) -> &[u32] {
        &self.array_lengths
    }

    /// The rights to execute the tasks, in the order of [`Self::tasks`]; given once.
    pub fn take_runs(&mut self) -> Vec<TaskRun> {
        std::mem::take(&mut self.runs)
    }

    /// Executes one scan of a task, `now_ns` after the program's start.
    ///
    /// # Errors
    /// [`Faulted`] when an exception left the program, or when the task is another program's. [`Self::fault`] says more.
    pub fn run(&self, task: &mut TaskRun, now_ns: u64) -> Result<(), Faulted> {
        if task.program != address_of(&self._host) {
            return Err(Faulted);
        }
        // SAFETY: the table's contract: init was called, there is one `TaskRun` for each task, so the task is not executing;
        // others may, and everything that may not execute meanwhile needs `&mut self`.
        match unsafe { (self.functions.run)(task.number, now_ns) } {
            abi::OK => Ok(()),
            _ => Err(Faulted),
        }
    }

    /// What the program says of the scan that has just [`Faulted`] on this thread. Allocates.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault(table::text(self.functions.fault_text))
    }

    /// Size of a variable in bytes; `None` when no variable has this address.
    pub fn variable_size(&mut self, address: u32) -> Option<usize> {
        self.exists(address).then_some(())?;
        // SAFETY: the address exists, and nothing else of the program runs.
        match unsafe { (self.functions.variable_size)(address) } {
            0 => None,
            size => Some(size as usize),
        }
    }

    /// Copies a variable's value, in the machine's byte order, to the start of `into` and returns its size in bytes;
    /// `None` when no variable has this address or `into` is too short.
    pub fn read(&mut self, address: u32, into: &mut [u8]) -> Option<usize> {
        self.exists(address).then_some(())?;
        let capacity = u32::try_from(into.len()).unwrap_or(u32::MAX);
        // SAFETY: the address exists, nothing else of the program runs, and `capacity` bytes may be written.
        match unsafe { (self.functions.variable_read)(address, into.as_mut_ptr().cast(), capacity) } {
            0 => None,
            size => Some((size as usize).min(into.len())),
        }
    }

    /// Forces a variable to a value in the byte order of [`Self::set_byte_order`], or releases it (`None`).
    ///
    /// # Errors
    /// [`ForceError`].
    pub fn force(&mut self, address: u32, value: Option<&[u8]>) -> Result<(), ForceError> {
        if !self.exists(address) {
            return Err(ForceError::OutOfBounds);
        }
        let bytes = value.unwrap_or(&[0]);
        let mut buffer = [0; abi::FORCE_BUFFER];
        buffer
            .get_mut(..bytes.len())
            .ok_or(ForceError::WrongLength)?
            .copy_from_slice(bytes);
        // SAFETY: the address exists, nothing else of the program runs, and the buffer is as large as the ABI demands.
        let result = unsafe {
            (self.functions.variable_force)(
                address,
                u32::from(value.is_some()),
                buffer.as_mut_ptr(),
                bytes.len() as u32,
            )
        };
        match result {
            abi::OK => Ok(()),
            abi::OUT_OF_BOUNDS => Err(ForceError::OutOfBounds),
            abi::WRONG_LENGTH => Err(ForceError::WrongLength),
            abi::READ_ONLY => Err(ForceError::ReadOnly),
            _ => Err(ForceError::Failed),
        }
    }

    /// Chooses the byte order of values given to [`Self::force`]: the machine's, or the reverse.
    pub fn set_byte_order(&mut self, reverse: bool) {
        // SAFETY: nothing else of the program runs.
        unsafe { (self.functions.set_byte_order)(u32::from(reverse)) };
    }

    /// Bytes that a variable has where [`Self::select`] finds it; `None` when there is no such variable or it must not be
    /// copied.
    pub fn stored_size(&mut self, address: u32) -> Option<usize> {
        let Some(size) = self.functions.variable_storage_size else {
            return self.variable_size(address);
        };
        self.exists(address).then_some(())?;
        // SAFETY: the address exists, and nothing else of the program runs.
        match unsafe { size(address) } {
            0 => None,
            size => Some(size as usize),
        }
    }

    /// How strings lie in their storage: between two programs of one generation for which this is equal they can be copied
    /// as they are.
    #[must_use]
    pub fn string_layout(&self) -> u64 {
        self.string_layout
    }

    /// Chooses variables that are copied all at once from now on, in the order of `addresses`. Must come before anything is
    /// forced. `None` when the program was built by a version that cannot tell where they lie.
    pub fn select(&mut self, addresses: &[u32]) -> Option<Selection> {
        let storage = self.functions.variable_storage?;
        let mut places = Vec::with_capacity(addresses.len());
        for &address in addresses {
            let size = self.stored_size(address).unwrap_or(0);
            let start = match size {
                0 => std::ptr::null_mut(),
                // SAFETY: the address exists, and nothing else of the program runs.
                _ => unsafe { storage(address) }.cast::<u8>(),
            };
            places.push(Place::new(start, size));
        }
        let (selected, selection) = selected::select(places);
        self.selected = Some(selected);
        Some(selection)
    }

    /// Copies the chosen variables into `raw`, as [`Selection`] understands it. As quick as copying memory is.
    pub fn copy_selected(&mut self, raw: &mut Vec<u8>) {
        if let Some(selected) = &self.selected {
            // SAFETY: the places are the program's own, which is loaded, and nothing else of it runs (`&mut self`).
            unsafe { selected.copy(raw) };
        }
    }

    /// Gives the chosen variable with this number a value, in the machine's byte order. False when there is none or the
    /// value has another length.
    pub fn write_selected(&mut self, number: usize, value: &[u8]) -> bool {
        // SAFETY: the places are the program's own, which is loaded, and nothing else of it runs (`&mut self`).
        self.selected
            .as_mut()
            .is_some_and(|selected| unsafe { selected.write(number, value) })
    }

    fn exists(&self, address: u32) -> bool {
        let (array, element) = ((address >> 16) as usize, address & 0xFFFF);
        self.array_lengths
            .get(array)
            .is_some_and(|length| element < *length)
    }
}

fn address_of(host: &HostTable) -> usize {
    std::ptr::from_ref(host).addr()
}
