//! How builds come to their end otherwise than by a result: limits, signals, and who hangs up.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod support;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::{End, Worker, busy_build, is_clean, program, program_with, upload, wait_until};

#[test]
fn a_missing_compiler_is_named() {
    let mut worker = Worker::start(&[], |command| {
        command.env("PATH", "/nonexistent");
    });
    worker.order(&upload(&program()));
    assert!(
        matches!(worker.converse(|_| false), Some(End::Failed(reason)) if reason.contains("gcc is not installed"))
    );
}

#[test]
fn a_build_that_takes_too_long_is_ended() {
    let mut worker = Worker::start(&["--time-limit", "1"], |_| {});
    worker.order(&upload(&program_with(
        "c_blocks_code.cpp",
        &support::endless_unit(),
    )));
    let end = worker.converse(|_| false);
    assert!(
        matches!(&end, Some(End::Failed(reason)) if reason.contains("longer than the 1 seconds")),
        "{end:?}"
    );
    worker.wait();
    assert!(is_clean(&worker));
}

#[test]
fn hanging_up_cancels_the_build() {
    let mut worker = busy_build(&[]);
    worker
        .connection
        .stream()
        .shutdown(std::net::Shutdown::Both)
        .unwrap();
    assert!(worker.wait().success());
    assert!(is_clean(&worker), "no compiler and no file is left");
}

#[test]
fn a_killed_compiler_is_explained() {
    let mut worker = busy_build(&[]);
    let of = |number: i32, file: &str| {
        std::fs::read_to_string(format!("/proc/{number}/{file}")).unwrap_or_default()
    };
    let mut compiler = None;
    wait_until("the compiler of the endless unit runs", || {
        compiler = worker.compilers().into_iter().find(|number| {
            of(*number, "comm").trim() == "cc1plus" && of(*number, "cmdline").contains("c_blocks_code")
        });
        compiler.is_some()
    });
    kill(Pid::from_raw(compiler.unwrap()), Signal::SIGKILL).unwrap();
    let end = worker.converse(|_| false);
    assert!(
        matches!(&end, Some(End::Failed(reason)) if reason.contains("memory ran out")),
        "{end:?}"
    );
    worker.wait();
    assert!(is_clean(&worker));
}

#[test]
fn compilers_do_not_outlive_a_killed_worker() {
    let mut worker = busy_build(&[]);
    worker.process.kill().unwrap();
    worker.wait();
    assert!(matches!(worker.converse(|_| false), Some(End::Closed)));
    wait_until("all compilers are gone", || worker.compilers().is_empty());
}
