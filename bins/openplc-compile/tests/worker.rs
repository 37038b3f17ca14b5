//! Whole builds by the real worker and the real compilers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod support;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

use openplc_wire::control::Level;
use sha2::{Digest, Sha256};
use support::{End, Worker, build, is_clean, program, program_with, upload};

fn built(files: &BTreeMap<String, String>) -> (Vec<u8>, Box<openplc_wire::manifest::Manifest>, Worker) {
    match build(files) {
        (End::Built { object, manifest }, worker) => (object, manifest, worker),
        (other, worker) => panic!("{other:?} after {:#?}", worker.log),
    }
}

fn failure(files: &BTreeMap<String, String>) -> (String, Worker) {
    match build(files) {
        (End::Failed(reason), worker) => (reason, worker),
        (other, worker) => panic!("{other:?} after {:#?}", worker.log),
    }
}

/// Dynamic symbols that the object defines.
fn exported(object: &[u8]) -> Vec<String> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(object).unwrap();
    let output = Command::new("nm")
        .args(["-D", "--defined-only"])
        .arg(file.path())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| line.split_whitespace().last().unwrap().to_owned())
        .collect()
}

#[test]
fn a_program_becomes_one_object_with_one_symbol_and_a_manifest() {
    let (object, manifest, worker) = built(&program());
    assert_eq!(&object[..4], b"\x7fELF");
    assert_eq!(exported(&object), ["openplc_program_table"]);
    let digest: String = Sha256::digest(&object)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(manifest.object_sha256, digest);
    assert_eq!(Some(manifest.program.to_string()), worker.identity);
    assert_eq!(manifest.md5, "0123456789abcdef0123456789abcdef");
    assert_eq!(
        (manifest.tasks[0].name.as_str(), manifest.tasks[0].interval_ns),
        ("MAIN_TASK", 10_000_000)
    );
    let count = &manifest.variables[0];
    assert_eq!(
        (count.path.as_str(), count.iec_type.as_str(), count.retain),
        ("CONFIG0.RES0.INSTANCE0.COUNT", "INT", true)
    );
    assert!(
        worker.lines(Level::Warning).is_empty() && worker.lines(Level::Error).is_empty(),
        "{:?}",
        worker.log
    );
    assert!(is_clean(&worker));
}

#[test]
fn building_again_makes_the_same() {
    let ((first, one, _), (second, two, _)) = (built(&program()), built(&program()));
    assert_eq!(one.program, two.program);
    assert!(first == second, "the same sources make the same bytes");
}

#[test]
fn an_error_is_shown_as_the_compiler_gave_it_without_our_folders() {
    let files = program_with(
        "c_blocks_code.cpp",
        "void f() {\n  int unused;\n  missing = 1;\n}\n",
    );
    let (reason, worker) = failure(&files);
    assert_eq!(
        reason,
        "c_blocks_code.cpp does not compile: see the errors above."
    );
    let errors = worker.lines(Level::Error);
    assert!(
        errors
            .iter()
            .any(|line| line.starts_with("c_blocks_code.cpp:3:3: error: 'missing'")),
        "{errors:?}"
    );
    let folder = worker.folder.path().to_str().unwrap();
    assert!(
        worker
            .log
            .iter()
            .all(|(_, line)| !line.contains(folder) && !line.contains("..")),
        "{:?}",
        worker.log
    );
    assert!(is_clean(&worker));
}

#[test]
fn an_error_in_generated_code_is_that_of_its_own_file() {
    let (_, worker) = failure(&program_with("debug.c", "int x = missing;\n"));
    assert!(
        worker
            .lines(Level::Error)
            .iter()
            .any(|line| line.starts_with("debug.c:1:9: error:")),
        "{:?}",
        worker.log
    );
    let (_, worker) = failure(&program_with("POUS.c", "\n  broken\n"));
    assert!(
        worker
            .lines(Level::Error)
            .iter()
            .any(|line| line.starts_with("POUS.c:2:")),
        "{:?}",
        worker.log
    );
}

#[test]
fn a_warning_is_a_warning() {
    let block = "extern \"C\" int f(int x) {\n  if (x = 1) return 2;\n  return 0;\n}\n";
    let (_, _, worker) = built(&program_with("c_blocks_code.cpp", block));
    assert!(
        worker
            .lines(Level::Warning)
            .iter()
            .any(|line| line.contains("c_blocks_code.cpp:2:9: warning:")),
        "{:?}",
        worker.log
    );
    assert!(worker.lines(Level::Error).is_empty());
}

#[test]
fn tables_that_do_not_get_along_are_compiled_one_by_one() {
    let mut files = program();
    for path in ["Config0.c", "glueVars.c"] {
        files
            .get_mut(path)
            .unwrap()
            .push_str("static int same_name;\nstatic int use(void) { return same_name; }\n");
    }
    let (_, _, worker) = built(&files);
    assert!(
        worker
            .lines(Level::Info)
            .iter()
            .any(|line| line.starts_with("glueVars.c:")),
        "{:?}",
        worker.log
    );
}

/// `POUS.c` of four function blocks that are large enough for parts, with `in_front` of each, as MatIEC writes it.
fn large_pous(in_front: impl Fn(usize) -> String) -> String {
    let line = "  data__->COUNT.value += 1; /* one of the many lines of a function block of some size */\n";
    let body = line.repeat(900);
    let blocks = (0..4).map(|n| {
        format!(
            "{}void B{n}_init__(MAIN *data__) {{\n}}\n\n// Code part\nvoid B{n}_body__(MAIN *data__) {{\n\
             {body}}} // B{n}_body__() \n\n",
            in_front(n)
        )
    });
    blocks.collect::<String>() + &program()["POUS.c"]
}

fn compiled(worker: &Worker, unit: &str) -> bool {
    worker
        .lines(Level::Info)
        .iter()
        .any(|line| line.starts_with(unit))
}

#[test]
fn a_large_program_is_compiled_in_parts() {
    // A function that only the block calls, and one of the user's that POUS.h declares and all call.
    let pous = large_pous(|n| {
        let user = "INT USER(INT X)\n{\n  return X;\n}\n";
        format!(
            "static inline INT __B{n}_ADD__INT__INT1(BOOL EN,\n  INT IN1,\n  MAIN *data__)\n{{\n  return USER(IN1);\n}}\n{}",
            if n == 0 { user } else { "" }
        )
    })
    .replace(
        "data__->COUNT.value++",
        "data__->COUNT.value = USER(data__->COUNT.value + 1)",
    );
    // Each block calls its own.
    let pous: String = pous
        .split("// Code part\n")
        .enumerate()
        .map(|(n, text)| match n {
            0 => text.to_owned(),
            n => format!(
                "// Code part\n{}",
                text.replacen(
                    "  data__->COUNT.value += 1;",
                    &format!(
                        "  data__->COUNT.value = __B{}_ADD__INT__INT1(1, 2, data__);",
                        n - 1
                    ),
                    1
                )
            ),
        })
        .collect();
    let mut files = program_with("POUS.c", &pous);
    let header = files.get_mut("POUS.h").unwrap();
    *header = header.replace("void MAIN_init__", "INT USER(INT X);\nvoid MAIN_init__");
    let (_, _, worker) = built(&files);
    assert!(compiled(&worker, "POUS.c, part 2"), "{:?}", worker.log);
    assert!(!compiled(&worker, "Res0.c, POUS.c"), "{:?}", worker.log);
    assert!(worker.lines(Level::Error).is_empty());
}

#[test]
fn a_large_program_that_resists_is_compiled_whole() {
    // A function of the first block that the last one calls without any declaration.
    let undeclared = large_pous(|n| match n {
        0 => "static int helper(void) { return 1; }\n".into(),
        _ => String::new(),
    })
    .replace("COUNT.value++", "COUNT.value += helper()");
    // A function that is declared for all and defined for its own part only.
    let unlinkable = undeclared.replace(
        "value += helper()",
        "value += ({ extern int helper(void); helper(); })",
    );
    for pous in [undeclared, unlinkable] {
        let (_, _, worker) = built(&program_with("POUS.c", &pous));
        assert!(compiled(&worker, "Res0.c, POUS.c"), "{:?}", worker.log);
        assert!(worker.lines(Level::Error).is_empty(), "{:?}", worker.log);
    }
}

#[test]
fn what_the_linker_misses_is_told_in_words() {
    let block = "int missing(int x);\nextern \"C\" int f(int x) {\n  return missing(x);\n}\n\
                 extern \"C\" void glueVars(void) {}\n";
    let (reason, worker) = failure(&program_with("c_blocks_code.cpp", block));
    assert_eq!(reason, "The program cannot be linked: see the errors above.");
    let errors = worker.lines(Level::Error);
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert_eq!(
        errors[0],
        "error: missing(int) is not defined (used in c_blocks_code.cpp)"
    );
    assert!(
        errors[1].starts_with("error: glueVars is defined twice (in "),
        "{errors:?}"
    );
}

#[test]
fn a_compiler_that_does_not_know_an_option_is_used_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let compiler = folder.path().join("gcc");
    let script = "#!/bin/sh\nfor argument; do\n  case $argument in\n    -fno-ipa-modref)\n      \
                  echo \"gcc: error: unrecognized command-line option '$argument'\" >&2; exit 1;;\n  esac\ndone\n\
                  exec /usr/bin/gcc \"$@\"\n";
    std::fs::write(&compiler, script).unwrap();
    std::fs::set_permissions(&compiler, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let mut worker = Worker::start(&[], |command| {
        command.env("PATH", path);
    });
    worker.order(&upload(&program()));
    let end = worker.converse(|_| false);
    assert!(matches!(end, Some(End::Built { .. })), "{end:?} {:?}", worker.log);
    worker.wait();
}

#[test]
fn names_that_system_headers_also_have_are_the_users() {
    let names = [
        "F_OK",
        "R_OK",
        "W_OK",
        "X_OK",
        "F_LOCK",
        "F_TEST",
        "F_ULOCK",
        "STDIN_FILENO",
    ];
    let members: String = names.iter().map(|name| format!(" INT {name};")).collect();
    let mut files = program();
    let header = files.get_mut("POUS.h").unwrap();
    *header = header.replace("__IEC_INT_t COUNT;", &format!("__IEC_INT_t COUNT;{members}"));
    let _ = built(&files);
    // A program with a Python block includes a header of ours.
    files.insert(
        "POUS.c".into(),
        program()["POUS.c"].replace(
            "data__->COUNT.value++;",
            "void *in, *out;\n  char name[128];\n  pid_t pid = getpid();\n  create_shm_name(name, sizeof(name));\n  \
             if (python_block_loader(\"a.py\", \"\", name, 1, 1, &in, &out, pid) < 0) {\n    printf(\"no\\n\");\n  }",
        ),
    );
    let _ = built(&files);
}

#[test]
fn a_broken_zip_and_a_foreign_upload_are_told_apart() {
    let mut worker = Worker::start(&[], |_| {});
    worker.order(b"no zip");
    assert!(
        matches!(worker.converse(|_| false), Some(End::Rejected(reason)) if reason.contains("no readable zip"))
    );
    let (reason, _) = failure(&BTreeMap::from([("generated.hpp".to_owned(), String::new())]));
    assert!(reason.contains("defines.h"), "{reason}");
    let mut incomplete = program();
    incomplete.remove("glueVars.c");
    let (reason, _) = failure(&incomplete);
    assert!(reason.contains("glueVars.c is missing"), "{reason}");
}

#[test]
fn an_upload_cannot_read_the_files_of_this_machine() {
    let mut worker = Worker::start(&[], |command| {
        command.stderr(Stdio::piped());
    });
    worker.order(&upload(&program_with(
        "c_blocks_code.cpp",
        "#include \"/etc/passwd\"\n",
    )));
    assert!(matches!(worker.converse(|_| false), Some(End::Failed(_))));
    worker.wait();
    let mut own_log = String::new();
    worker
        .process
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut own_log)
        .unwrap();
    if !own_log.contains("files restricted (landlock)") {
        eprintln!("this kernel offers no landlock: nothing to test");
        return;
    }
    let log = format!("{:?}", worker.log);
    assert!(
        log.contains("/etc/passwd: Permission denied") && !log.contains("root:"),
        "{log}"
    );
}
