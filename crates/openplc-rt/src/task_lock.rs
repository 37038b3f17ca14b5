//! One value for many tasks: each task reads it under a lock of its own, so tasks never wait for each other; whoever
//! wants to change it takes the locks of all. Everything has priority inheritance.

use std::cell::UnsafeCell;
use std::io;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::pi_mutex::{PiGuard, PiMutex};

/// How long tasks whose locks are held already are held up for another one that takes longer than was known, the first time ...
const LEAST_HOLD: Duration = Duration::from_millis(1);
/// ... and after more and more tries, where tasks never leave a gap.
const MOST_HOLD: Duration = Duration::from_millis(250);

/// A value `S` that all tasks read, and a value `T` for each task that it alone changes.
pub struct TaskLock<S, T> {
    /// How many of `tasks` have a [`Seat`]. Whoever wants all locks takes this one first, a task never does.
    seats: PiMutex<usize>,
    tasks: Box<[PiMutex<T>]>,
    shared: UnsafeCell<S>,
}

// SAFETY: `shared` is read under any one of the locks of seated tasks, possibly by several threads (`S: Sync`), and changed
// under all of them by one (`S: Send`). A `T` is used by one thread at a time.
unsafe impl<S: Send + Sync, T: Send> Sync for TaskLock<S, T> {}
// SAFETY: moving the lock moves its values.
unsafe impl<S: Send, T: Send> Send for TaskLock<S, T> {}

/// The right of one thread to take the lock of one task.
pub struct Seat<S, T> {
    lock: Arc<TaskLock<S, T>>,
    number: usize,
}

/// What a task has while it executes: the shared value to read, its own to change.
pub struct TaskGuard<'a, S, T> {
    // No reference: it would have to be valid for the whole of a call that takes the guard and drops it.
    shared: NonNull<S>,
    own: PiGuard<'a, T>,
    lifetime: PhantomData<&'a S>,
}

/// Everything, while no task executes.
pub struct AllGuard<'a, S, T> {
    shared: NonNull<S>,
    lifetime: PhantomData<&'a mut S>,
    /// With their numbers, in the order of these.
    tasks: Vec<(usize, PiGuard<'a, T>)>,
    // Dropped last: until then nobody else may take a seat.
    _seats: PiGuard<'a, usize>,
}

impl<S, T> TaskGuard<'_, S, T> {
    /// What all tasks read, and what is this task's.
    pub fn parts(&mut self) -> (&S, &mut T) {
        // SAFETY: while `own` is held, and as long as this borrow lasts, nobody changes the shared value.
        (unsafe { self.shared.as_ref() }, &mut self.own)
    }
}

impl<S, T> AllGuard<'_, S, T> {
    /// What all tasks read, and what each of them has, in the order of their seats.
    pub fn parts(&mut self) -> (&mut S, impl ExactSizeIterator<Item = &mut T>) {
        // SAFETY: every lock under which anybody else reaches the shared value is held as long as this borrow lasts.
        let shared = unsafe { self.shared.as_mut() };
        (shared, self.tasks.iter_mut().map(|(_, task)| &mut **task))
    }
}

impl<S, T> TaskLock<S, T> {
    /// A lock for at most as many tasks as there are values in `tasks`.
    ///
    /// # Errors
    /// When a mutex cannot be made.
    pub fn new(shared: S, tasks: impl IntoIterator<Item = T>) -> io::Result<Self> {
        Ok(Self {
            seats: PiMutex::new(0)?,
            tasks: tasks.into_iter().map(PiMutex::new).collect::<io::Result<_>>()?,
            shared: UnsafeCell::new(shared),
        })
    }

    /// Gives the next task its seat; `None` when all are taken. They are numbered from 0.
    pub fn sit_down(self: &Arc<Self>) -> Option<Seat<S, T>> {
        let mut seats = self.seats.lock();
        let number = *seats;
        (number < self.tasks.len()).then(|| {
            *seats += 1;
            Seat {
                lock: self.clone(),
                number,
            }
        })
    }

    fn place(&self) -> NonNull<S> {
        // The address of a field is never null.
        NonNull::from(&self.shared).cast()
    }

    /// How many seats are taken.
    pub fn seated(&self) -> usize {
        *self.seats.lock()
    }

    /// Waits for at most `patience` until no task executes, and keeps all from executing. `None` when one of them took
    /// longer.
    ///
    /// The tasks that take longest, as `length` says (ns), are waited for first: meanwhile all others execute. So they do where one
    /// of them takes longer than that.
    pub fn all(&self, patience: Duration, length: impl Fn(usize) -> u64) -> Option<AllGuard<'_, S, T>> {
        let deadline = Instant::now() + patience;
        let left = || deadline.saturating_duration_since(Instant::now());
        let seats = self.seats.lock_within(patience)?;
        // Before any lock is held: allocating may wait.
        let mut tasks = Vec::with_capacity(*seats);
        let mut order: Vec<_> = (0..*seats).map(|task| (length(task), task)).collect();
        order.sort_unstable_by(|one, other| other.cmp(one));
        let mut hold = LEAST_HOLD;
        loop {
            let late = order.iter().position(|(_, task)| {
                let patience = if tasks.is_empty() {
                    left()
                } else {
                    left().min(hold)
                };
                let guard = self.tasks[*task].lock_within(patience);
                tasks.extend(guard.map(|guard| (*task, guard)));
                tasks.last().is_none_or(|(last, _)| last != task)
            });
            let Some(late) = late else { break };
            if late == 0 || left().is_zero() {
                return None;
            }
            // It takes longer than was known: it is waited for first, while the others execute.
            tasks.clear();
            order[..=late].rotate_right(1);
            hold = MOST_HOLD.min(hold * 2);
        }
        tasks.sort_unstable_by_key(|(task, _)| *task);
        Some(AllGuard {
            shared: self.place(),
            lifetime: PhantomData,
            tasks,
            _seats: seats,
        })
    }
}

impl<S, T> Seat<S, T> {
    /// Which task this is.
    #[must_use]
    pub fn number(&self) -> usize {
        self.number
    }

    /// Waits until nobody holds this task up, and keeps everybody from changing the shared value.
    pub fn lock(&mut self) -> TaskGuard<'_, S, T> {
        let own = self.lock.tasks[self.number].lock();
        // A seat has been given for this number, so whoever changes the shared value must hold the lock that `own` is.
        TaskGuard {
            shared: self.lock.place(),
            own,
            lifetime: PhantomData,
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::thread;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);
    /// Miri is slow.
    const CHANGES: u64 = if cfg!(miri) { 20 } else { 2_000 };

    /// All tasks take equally long.
    fn equal(_: usize) -> u64 {
        0
    }

    #[test]
    #[cfg_attr(miri, ignore = "nobody's patience ends there")]
    fn tasks_do_not_wait_for_each_other_but_a_change_waits_for_all() {
        let lock = Arc::new(TaskLock::new(1, [10, 20]).unwrap());
        let (mut first, mut second) = (lock.sit_down().unwrap(), lock.sit_down().unwrap());
        assert!(lock.sit_down().is_none());
        let executing = first.lock();
        assert_eq!(second.lock().parts(), (&1, &mut 20));
        let late = thread::scope(|scope| {
            let late = scope.spawn(|| lock.all(Duration::from_millis(5), equal).is_none());
            late.join().unwrap()
        });
        assert!(late);
        drop(executing);
        let mut all = lock.all(PATIENCE, equal).unwrap();
        let (shared, mut tasks) = all.parts();
        *shared += 1;
        *tasks.next().unwrap() += 5;
        assert_eq!(tasks.len(), 1);
        drop(tasks);
        drop(all);
        assert_eq!(first.lock().parts(), (&2, &mut 15));
    }

    #[test]
    #[cfg_attr(miri, ignore = "it would wait for ever")]
    fn while_a_slow_task_is_waited_for_no_faster_one_is_held_up() {
        // Whether that is known or not.
        for (slow, known) in (0..3).flat_map(|slow| [(slow, 1_000), (slow, 10)]) {
            let lock = Arc::new(TaskLock::new((), [(); 3]).unwrap());
            let mut seats: Vec<_> = (0..3).map(|_| lock.sit_down().unwrap()).collect();
            let mut slow_seat = seats.remove(slow);
            let executing = slow_seat.lock();
            thread::scope(|scope| {
                let lock = &lock;
                let all = scope.spawn(move || {
                    let length = |task| if task == slow { known } else { 10 };
                    lock.all(PATIENCE, length).is_some()
                });
                // It waits: nobody else gets a seat. Not looked for by this thread, which would wait for it while it waits for
                // this thread: the kernel refuses such a circle.
                let waits = scope.spawn(move || {
                    while lock.seats.lock_within(Duration::from_millis(1)).is_some() {
                        thread::yield_now();
                    }
                });
                waits.join().unwrap();
                // Neither by this thread, which may be waited for by the one that holds these locks for a moment.
                let others = scope.spawn(move || {
                    for _ in 0..3 {
                        seats.iter_mut().for_each(|seat| drop(seat.lock()));
                    }
                });
                others.join().unwrap();
                drop(executing);
                assert!(all.join().unwrap());
            });
        }
    }

    #[test]
    fn no_task_sees_half_a_change() {
        let lock = Arc::new(TaskLock::new((0_u64, 0_u64), [(); 3]).unwrap());
        thread::scope(|scope| {
            let tasks: Vec<_> = (0..3)
                .map(|_| {
                    let mut seat = lock.sit_down().unwrap();
                    scope.spawn(move || {
                        loop {
                            let mut guard = seat.lock();
                            let (shared, ()) = guard.parts();
                            assert_eq!(shared.0, shared.1);
                            if shared.0 == CHANGES {
                                break;
                            }
                        }
                    })
                })
                .collect();
            for change in 1..=CHANGES {
                let mut all = lock.all(PATIENCE, equal).unwrap();
                let (shared, _) = all.parts();
                shared.0 = change;
                std::hint::black_box(&shared);
                shared.1 = change;
            }
            tasks.into_iter().for_each(|task| task.join().unwrap());
        });
    }
}
