//! What a program and its plugins see of each other, scan by scan.
#![cfg(not(loom))]

mod support;

use openplc_image::{
    AbandonedInputs, Binding, Layout, OutputPolicy, PlcState, SafeValue, Sizes, Table, WriteRights,
};
use support::{Program, at, attach, image, reader, scan, write};

#[test]
fn inputs_reach_the_program_and_outputs_the_readers() {
    let mut image = image(16);
    let (_, mut plugin) = attach(&mut image, WriteRights::all());
    let reader = reader(&image);
    let mut binding = Binding::new(
        image.layout(),
        &[at("%IW3"), at("%QW3"), at("%QX1.7"), at("%QL15")],
    )
    .unwrap();
    let mut program = Program::of(&[0; 4]);
    binding.start(&mut image, &mut program);
    plugin.write(1, &[write("%IW3", 0xABCD)]).unwrap();
    image.drain_journals(2);
    binding.copy_in(&image, &mut program);
    assert_eq!(program.get(0), 0xABCD);
    program.set(1, 0xABCD + 1);
    program.set(2, 0x80); // a program may keep TRUE as any number but 0
    program.set(3, u64::MAX - 1);
    binding.copy_out(&mut image, &program);
    let output = || reader.consistent(|view| view.value(at("%QW3")).unwrap()).unwrap();
    assert_eq!(output(), 0, "nothing is to be seen before it is published");
    image.publish(scan(1));
    assert_eq!(output(), 0xABCE);
    let seen = reader.consistent(|view| {
        let values =
            ["%IW3", "%QX1.7", "%QX1.6", "%QL15", "%QL14"].map(|address| view.value(at(address)).unwrap());
        (values, view.moment().scan)
    });
    assert_eq!(seen.unwrap(), ([0xABCD, 1, 0, u64::MAX - 1, 0], 1));
}

#[test]
fn both_buffers_show_everything_that_ever_changed() {
    let mut image = image(16);
    let reader = reader(&image);
    let mut binding = Binding::new(image.layout(), &[at("%QD0"), at("%QD15"), at("%MW7")]).unwrap();
    let mut program = Program::of(&[0; 3]);
    binding.start(&mut image, &mut program);
    for number in 1..20 {
        program.set(number as usize % 3, number);
        binding.copy_out(&mut image, &program);
        image.publish(scan(number));
        let seen = reader
            .consistent(|view| ["%QD0", "%QD15", "%MW7"].map(|address| view.value(at(address)).unwrap()))
            .unwrap();
        assert_eq!(seen, [program.get(0), program.get(1), program.get(2)]);
    }
}

#[test]
fn what_a_plugin_writes_holds_until_the_program_changes_it() {
    let mut image = image(16);
    let (_, mut plugin) = attach(&mut image, WriteRights::all());
    let mut binding = Binding::new(image.layout(), &[at("%QX0.0"), at("%MW5")]).unwrap();
    let mut program = Program::of(&[0, 0]);
    binding.start(&mut image, &mut program);
    plugin.write(1, &[write("%QX0.0", 1), write("%MW5", 50)]).unwrap();
    for _ in 0..3 {
        image.drain_journals(2);
        binding.copy_in(&image, &mut program);
        assert_eq!((program.get(0), program.get(1)), (1, 50));
        binding.copy_out(&mut image, &program);
    }
    program.set(1, program.get(1) + 1);
    binding.copy_out(&mut image, &program);
    assert_eq!(
        (image.value(at("%QX0.0")), image.value(at("%MW5"))),
        (Some(1), Some(51))
    );
}

#[test]
fn tables_of_different_widths_do_not_overlap() {
    let mut image = image(16);
    let mut binding = Binding::new(image.layout(), &[at("%MW10"), at("%MD10"), at("%ML10")]).unwrap();
    let mut program = Program::of(&[1, 2, 3]);
    binding.start(&mut image, &mut program);
    let values = ["%MW10", "%MD10", "%ML10", "%MW11"].map(|address| image.value(at(address)).unwrap());
    assert_eq!(values, [1, 2, 3, 0]);
}

#[test]
fn a_program_begins_with_its_initial_values_and_its_successor_with_the_values_reached() {
    let mut image = image(16);
    let first_variables = [at("%MW0"), at("%QW1")];
    let mut first = Binding::new(image.layout(), &first_variables).unwrap();
    let mut program = Program::of(&[100, 200]);
    first.start(&mut image, &mut program);
    assert_eq!(
        (program.get(0), program.get(1)),
        (100, 200),
        "initial values hold"
    );
    program.set(0, 101);
    first.copy_out(&mut image, &program);

    let mut second = Binding::new(image.layout(), &[at("%MW0"), at("%MW1")]).unwrap();
    let mut successor = Program::of(&[7, 8]);
    second.inherit(&first);
    second.abandon(image.layout(), &first_variables, &OutputPolicy::hold());
    second.start(&mut image, &mut successor);
    assert_eq!((successor.get(0), successor.get(1)), (101, 8));
    assert_eq!(image.value(at("%MW1")), Some(8));
    assert_eq!(
        image.value(at("%QW1")),
        Some(0),
        "nobody drives this output any more"
    );

    // Memory that it does not know keeps its value for the next one.
    let mut third = Binding::new(image.layout(), &[at("%MW2")]).unwrap();
    third.inherit(&second);
    third.start(&mut image, &mut Program::of(&[9]));
    assert_eq!(image.value(at("%MW1")), Some(8));

    let mut afresh = Binding::new(image.layout(), &first_variables).unwrap();
    let mut program = Program::of(&[100, 200]);
    afresh.start(&mut image, &mut program);
    assert_eq!(
        image.value(at("%MW0")),
        Some(100),
        "a start afresh has initial values"
    );
}

#[test]
fn outputs_that_nobody_drives_any_more_get_their_safe_values() {
    let mut image = image(16);
    let before = ["%QX0.0", "%QX0.1", "%QW1", "%QL2", "%QW3", "%IW3", "%MW3"].map(at);
    let mut first = Binding::new(image.layout(), &before).unwrap();
    first.start(&mut image, &mut Program::of(&[1, 1, 2, 3, 4, 0, 6]));
    let mut policy = OutputPolicy::hold();
    for (address, value) in [("%QX0.1", 1), ("%QL2", u64::MAX), ("%QW3", 9)] {
        policy.set(at(address), SafeValue::Value(value)).unwrap();
    }
    let mut second = Binding::new(image.layout(), &[at("%QW3")]).unwrap();
    second.inherit(&first);
    second.abandon(image.layout(), &before, &policy);
    // The first one is not running any more.
    second.inherit_nothing();
    second.start(&mut image, &mut Program::of(&[44]));
    let values = before.map(|address| image.value(address).unwrap());
    assert_eq!(values, [0, 1, 0, u64::MAX, 44, 0, 6]);
}

#[test]
fn two_variables_at_one_address_are_one() {
    let mut image = image(16);
    let mut binding = Binding::new(image.layout(), &[at("%MW0"), at("%MW0")]).unwrap();
    let mut program = Program::of(&[0, 0]);
    binding.start(&mut image, &mut program);
    for (changed, value) in [(0, 1), (1, 2), (0, 3)] {
        program.set(changed, value);
        binding.copy_out(&mut image, &program);
        binding.copy_in(&image, &mut program);
        assert_eq!((program.get(0), program.get(1)), (value, value));
    }
}

#[test]
fn two_programs_of_one_image_see_each_others_changes() {
    let mut image = image(16);
    let bind = |layout: &Layout| Binding::new(layout, &[at("%MW0"), at("%MW1")]).unwrap();
    let (mut one, mut other) = (bind(image.layout()), bind(image.layout()));
    let (mut first, mut second) = (Program::of(&[0, 0]), Program::of(&[0, 0]));
    one.start(&mut image, &mut first);
    other.start(&mut image, &mut second);
    // Both scans overlap, and each changes something else.
    one.copy_in(&image, &mut first);
    other.copy_in(&image, &mut second);
    first.set(0, 10);
    second.set(1, 20);
    one.copy_out(&mut image, &first);
    other.copy_out(&mut image, &second);
    one.copy_in(&image, &mut first);
    other.copy_in(&image, &mut second);
    assert_eq!((first.get(0), first.get(1)), (10, 20));
    assert_eq!((second.get(0), second.get(1)), (10, 20));
}

#[test]
fn a_forced_value_withstands_program_and_plugins() {
    let mut image = image(16);
    let (id, mut plugin) = attach(&mut image, WriteRights::all());
    let mut binding = Binding::new(image.layout(), &[at("%QW0"), at("%IW0")]).unwrap();
    let mut program = Program::of(&[0, 0]);
    binding.start(&mut image, &mut program);
    assert!(image.force(at("%QW0"), Some(7)));
    assert!(image.force(at("%IW0"), Some(8)));
    assert!(!image.force(at("%QW0"), Some(65_536)));
    assert!(!image.force(at("%QW16"), Some(0)));
    plugin.write(1, &[write("%QW0", 1), write("%IW0", 1)]).unwrap();
    image.drain_journals(2);
    binding.copy_in(&image, &mut program);
    assert_eq!((program.get(0), program.get(1)), (7, 8));
    program.set(0, 3);
    binding.copy_out(&mut image, &program);
    assert_eq!(image.value(at("%QW0")), Some(7));
    assert_eq!(image.peers().find(|peer| peer.0 == id).unwrap().1.forced, 2);
    image.force(at("%QW0"), None);
    image.release_forces();
    binding.copy_in(&image, &mut program);
    assert_eq!(program.get(0), 7, "a value let go stays until it is changed");
    program.set(0, 4);
    binding.copy_out(&mut image, &program);
    assert_eq!(image.value(at("%QW0")), Some(4));
}

#[test]
fn a_program_outside_the_image_is_refused() {
    let layout = Layout::new(&Sizes::uniform(16));
    let error = Binding::new(&layout, &[at("%QW15"), at("%QW16")]).unwrap_err();
    assert_eq!((error.address, error.slots), (at("%QW16"), 16));
}

#[test]
fn outputs_are_made_safe_as_each_is_told() {
    let mut image = image(16);
    let outputs = ["%QX0.0", "%QX0.1", "%QB3", "%QW1", "%QL2", "%QL3"].map(at);
    let mut variables = outputs.to_vec();
    variables.extend(["%MW1", "%IW1"].map(at));
    let mut binding = Binding::new(image.layout(), &variables).unwrap();
    let values = |image: &openplc_image::Image<_>| outputs.map(|address| image.value(address).unwrap());
    let (_, mut plugin) = attach(&mut image, WriteRights::all());
    plugin.write(1, &[write("%IW1", 9)]).unwrap();
    image.drain_journals(1);
    let mut run = |image: &mut _| binding.start(image, &mut Program::of(&[1, 1, 3, 4, 5, 6, 7, 0]));
    run(&mut image);
    image.force(at("%QW1"), Some(44));

    let mut policy = OutputPolicy::off();
    policy.set(at("%QX0.1"), SafeValue::Hold).unwrap();
    policy.set(at("%QL2"), SafeValue::Value(u64::MAX)).unwrap();
    image.make_outputs_safe(&policy.prepare(image.layout()));
    assert_eq!(
        values(&image),
        [0, 1, 0, 0, u64::MAX, 0],
        "a forced output is made safe too"
    );
    assert_eq!(
        (image.value(at("%MW1")), image.value(at("%IW1"))),
        (Some(7), Some(9))
    );

    image.release_forces();
    run(&mut image);
    let mut policy = OutputPolicy::hold();
    policy.set(at("%QX0.0"), SafeValue::Off).unwrap();
    image.make_outputs_safe(&policy.prepare(image.layout()));
    assert_eq!(values(&image), [0, 1, 3, 4, 5, 6]);

    image.make_outputs_safe(&policy.prepare(&Layout::new(&Sizes::uniform(3))));
    assert_eq!(
        values(&image),
        [0; 6],
        "a policy for another image must not miss an output"
    );
    assert!(policy.set(at("%MW0"), SafeValue::Off).is_err());
    assert!(policy.set(at("%QW0"), SafeValue::Value(65_536)).is_err());
}

#[test]
fn safe_outputs_withstand_what_was_written_before_and_what_is_written_after() {
    let mut image = image(16);
    let (id, mut plugin) = attach(&mut image, WriteRights::all());
    let policy = OutputPolicy::off().prepare(image.layout());
    let everything = [write("%QX0.0", 1), write("%IW1", 9), write("%MW1", 8)];
    let values = |image: &openplc_image::Image<_>| {
        ["%QX0.0", "%IW1", "%MW1"].map(|address| image.value(at(address)).unwrap())
    };
    plugin.write(1, &everything).unwrap();
    image.make_outputs_safe(&policy);
    image.drain_journals(2);
    assert_eq!(values(&image), [0, 9, 8], "inputs and memory are free");
    assert!(!image.write(at("%QX0.0"), 1));
    assert!(!image.force(at("%QX0.0"), Some(1)));
    assert!(image.force(at("%QX0.0"), None));
    assert!(image.force(at("%MW1"), Some(7)));
    assert_eq!(values(&image), [0, 9, 7]);

    // What the image is exchanged for keeps them, too.
    let mut larger = support::image(40);
    larger.replace(&mut image);
    let mut image = larger;
    for _ in 0..600 {
        plugin.write(3, &everything).unwrap();
    }
    image.drain_journals(4);
    assert_eq!(values(&image)[0], 0);
    image.release_outputs(5);
    image.drain_journals(6);
    assert_eq!(values(&image)[0], 0, "nothing that was written before is left");
    assert_eq!(
        image.peers().find(|peer| peer.0 == id).unwrap().1.forced,
        1 + 2 * 600
    );
    plugin.write(7, &everything).unwrap();
    image.drain_journals(8);
    assert_eq!(values(&image)[0], 1);
}

#[test]
fn inputs_of_a_peer_that_left_follow_its_policy() {
    for policy in [AbandonedInputs::Hold, AbandonedInputs::Zero] {
        let mut image = image(16);
        let (leaving, mut plugin) = attach(&mut image, WriteRights::all());
        let (_, mut other) = attach(&mut image, WriteRights::all());
        plugin
            .write(1, &[write("%IW0", 1), write("%IW1", 2), write("%MW0", 3)])
            .unwrap();
        image.drain_journals(1);
        other.write(2, &[write("%IW1", 20)]).unwrap();
        image.drain_journals(2);
        plugin
            .write(3, &[write("%IX3.3", 1), write("%QX0.0", 1)])
            .unwrap();
        let departed = image.detach(leaving, policy, 4).unwrap();
        assert_eq!(
            departed.statistics.applied, 5,
            "what it wrote before it left counts"
        );
        let values =
            ["%IW0", "%IX3.3", "%IW1", "%MW0", "%QX0.0"].map(|address| image.value(at(address)).unwrap());
        let expected = match policy {
            AbandonedInputs::Hold => [1, 1, 20, 3, 1],
            AbandonedInputs::Zero => [0, 0, 20, 3, 1],
        };
        assert_eq!(values, expected);
        assert!(image.detach(leaving, policy, 4).is_none());
        let (next, _) = attach(&mut image, WriteRights::all());
        assert_eq!(next, leaving, "a number is free again");
    }
}

#[test]
fn a_larger_image_takes_over_values_forces_and_peers() {
    let mut old = image(16);
    let (_, mut plugin) = attach(&mut old, WriteRights::all());
    plugin
        .write(1, &[write("%IW15", 5), write("%MX15.7", 1)])
        .unwrap();
    old.drain_journals(1);
    old.force(at("%QW1"), Some(3));
    let old_reader = reader(&old);
    let mut new = image(40);
    new.replace(&mut old);
    assert!(old_reader.is_closed());
    plugin.write(2, &[write("%IW30", 6), write("%QW1", 4)]).unwrap();
    new.drain_journals(2);
    let mut moment = scan(9);
    moment.state = PlcState::Running;
    new.publish(moment);
    let reader = reader(&new);
    assert!(!reader.is_closed());
    let seen = reader.consistent(|view| {
        let values = ["%IW15", "%IW30", "%MX15.7", "%QW1"].map(|address| view.value(at(address)).unwrap());
        (values, view.moment())
    });
    assert_eq!(seen.unwrap(), ([5, 6, 1, 3], moment));
    let mut values = [0; 8];
    let count = reader.consistent(|view| view.values(at("%IW0").table(), 35, &mut values));
    assert_eq!(count, Ok(5));
}

#[test]
fn what_is_written_within_the_scan_is_held_to_the_same_rules() {
    let mut image = image(16);
    image.force(at("%IW4"), Some(44));
    for (address, value, taken) in [
        ("%IW3", 0xABCD, true),
        ("%IW4", 5, false),
        ("%IW5", 0x1_0000, false),
        ("%IW16", 1, false),
    ] {
        assert_eq!(image.write(at(address), value), taken, "{address}");
    }
    let mut words = [0xFF; 2 * 20];
    assert_eq!(image.copy_table(Table::IntInput, &mut words), 2 * 16);
    assert_eq!(words[6..12], [0xCD, 0xAB, 44, 0, 0, 0]);
    assert_eq!(words[2 * 16..], [0xFF; 2 * 4], "beyond the table");
    assert_eq!(image.copy_table(Table::IntInput, &mut words[..3]), 3);
}
