use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;

/// What the connector is asked for, and where its answer goes.
type Wish = (SocketAddrV4, Sender<Result<OwnedFd, NotConnected>>);

/// A connector under the test's control.
fn carrier() -> (Carrier, Receiver<Wish>) {
    let (wishes, asked) = channel();
    let ask = move |address, _| {
        let (answer, outcome) = channel();
        wishes.send((address, answer)).unwrap();
        let outcome: Outcome = Box::new(move || outcome.try_recv().ok());
        Ok(outcome)
    };
    let carrier = Carrier {
        ask: Box::new(ask),
        carried: HashMap::new(),
        complaint: String::new(),
    };
    (carrier, asked)
}

fn address(listener: &TcpListener) -> SocketAddrV4 {
    match listener.local_addr().unwrap() {
        std::net::SocketAddr::V4(address) => address,
        std::net::SocketAddr::V6(address) => panic!("{address}"),
    }
}

/// Connects as a connector may that means harm: the socket blocks.
fn connected(address: SocketAddrV4) -> OwnedFd {
    TcpStream::connect(address).unwrap().into()
}

/// Rounds until `done` says something.
fn until<T>(carrier: &mut Carrier, program: &Arc<Connections>, mut done: impl FnMut() -> Option<T>) -> T {
    let give_up = Instant::now() + Duration::from_secs(30);
    loop {
        carrier.round(std::slice::from_ref(program));
        if let Some(result) = done() {
            return result;
        }
        assert!(Instant::now() < give_up, "it does not happen");
        thread::sleep(ROUND);
    }
}

#[test]
fn bytes_pass_in_both_directions_and_the_end_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (mut carrier, asked) = carrier();
    let program = Arc::new(Connections::new().unwrap());
    let number = program.connect(address(&listener), Protocol::Tcp).unwrap();
    // More than is kept on the way: nothing may be lost or change its order.
    let sent: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
    let mut left = sent.as_slice();
    carrier.round(std::slice::from_ref(&program));
    let (asked_for, answer) = asked.try_recv().unwrap();
    assert_eq!(asked_for, address(&listener));
    carrier.round(std::slice::from_ref(&program));
    assert!(asked.try_recv().is_err(), "asked once");
    answer.send(Ok(connected(asked_for))).unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    peer.set_nonblocking(true).unwrap();
    let mut received = Vec::new();
    until(&mut carrier, &program, || {
        left = &left[program.send(number, left).unwrap_or(0)..];
        let mut piece = [0; 1000];
        if let Ok(count) = peer.read(&mut piece) {
            received.extend_from_slice(&piece[..count]);
        }
        (received.len() == sent.len()).then_some(())
    });
    assert!(received == sent);
    peer.write_all(b"answer").unwrap();
    drop(peer);
    let mut buffer = [0; 16];
    let count = until(&mut carrier, &program, || program.receive(number, &mut buffer));
    assert_eq!(&buffer[..count], b"answer");
    let end = until(&mut carrier, &program, || program.receive(number, &mut buffer));
    assert_eq!(end, 0);
}

#[test]
fn a_failure_is_told_and_tried_again_only_later() {
    let (mut carrier, asked) = carrier();
    let program = Arc::new(Connections::new().unwrap());
    let target = SocketAddrV4::new([192, 0, 2, 1].into(), 7);
    let number = program.connect(target, Protocol::Tcp).unwrap();
    carrier.round(std::slice::from_ref(&program));
    asked
        .try_recv()
        .unwrap()
        .1
        .send(Err(NotConnected::Refused("refused".into())))
        .unwrap();
    until(&mut carrier, &program, || {
        program.send(number, b"x").is_none().then_some(())
    });
    let failed = Instant::now();
    let again = until(&mut carrier, &program, || program.connect(target, Protocol::Tcp));
    assert!(
        failed.elapsed() >= PENANCE / 2,
        "a block that asks in every scan must not flood the network"
    );
    assert_ne!(again, number);
}

#[test]
fn what_is_closed_or_belongs_to_a_program_that_has_gone_is_closed_on_the_network() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (mut carrier, asked) = carrier();
    let program = Arc::new(Connections::new().unwrap());
    let mut peers = Vec::new();
    for _ in 0..2 {
        let number = program.connect(address(&listener), Protocol::Tcp).unwrap();
        carrier.round(std::slice::from_ref(&program));
        asked
            .try_recv()
            .unwrap()
            .1
            .send(Ok(connected(address(&listener))))
            .unwrap();
        carrier.round(std::slice::from_ref(&program));
        peers.push((listener.accept().unwrap().0, number));
        if peers.len() == 1 {
            program.close(number).unwrap();
            carrier.round(std::slice::from_ref(&program));
        }
    }
    assert_eq!(peers[0].0.read(&mut [0; 1]).unwrap(), 0);
    assert_eq!(carrier.carried.len(), 1);
    drop(program);
    carrier.round(&[]);
    assert_eq!(peers[1].0.read(&mut [0; 1]).unwrap(), 0);
}
