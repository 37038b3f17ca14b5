//! What the kernel tells a signal handler of the interrupted thread, and what that thread's stack tells.

use std::ffi::c_void;

/// Most of the stack (bytes) that is searched: the calls from the program into a library are the newest.
const SEARCHED: usize = 16 << 10;

/// Instruction pointer and stack pointer of the interrupted thread, on processors where we know them.
///
/// # Safety
/// `context` must be null or what the kernel passes to a handler with SA_SIGINFO, during that call.
pub(super) unsafe fn registers(context: *mut c_void) -> Option<(usize, usize)> {
    // SAFETY: by contract it is null or leads to a ucontext_t.
    let context = unsafe { context.cast::<libc::ucontext_t>().as_ref() }?;
    let machine = &context.uc_mcontext;
    #[cfg(target_arch = "x86_64")]
    let registers = (
        machine.gregs[libc::REG_RIP as usize] as usize,
        machine.gregs[libc::REG_RSP as usize] as usize,
    );
    #[cfg(target_arch = "aarch64")]
    let registers = (machine.pc as usize, machine.sp as usize);
    #[cfg(target_arch = "arm")]
    let registers = (machine.arm_pc as usize, machine.arm_sp as usize);
    Some(registers)
}

/// The first word from the stack pointer upwards that `wanted` takes for an address of its own, and what it makes of it.
///
/// # Safety
/// The memory from `pointer` to `top` must be readable if `pointer` is the smaller one; a stack overflow breaks that,
/// and this call then ends the process.
pub(super) unsafe fn find_on_stack<T>(
    pointer: usize,
    top: usize,
    wanted: impl Fn(usize) -> Option<T>,
) -> Option<T> {
    let word = size_of::<usize>();
    let pointer = pointer.next_multiple_of(word);
    let top = top.min(pointer.saturating_add(SEARCHED));
    (pointer..top)
        .step_by(word)
        .take_while(|address| address + word <= top)
        // SAFETY: aligned, and within the stack by contract.
        .find_map(|address| wanted(unsafe { (address as *const usize).read_volatile() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_address_of_the_program_is_found() {
        let stack = [7_usize, 1000, 5000, 6000];
        let start = stack.as_ptr().addr();
        let wanted = |address| (5000..7000).contains(&address).then_some(address);
        // SAFETY: each range is a part of the array, or empty.
        let search = |top| unsafe { find_on_stack(start, top, wanted) };
        assert_eq!(search(start + size_of_val(&stack)), Some(5000));
        assert_eq!(search(start + 2 * size_of::<usize>()), None);
        assert_eq!(search(0), None, "no stack is known");
    }
}
