//! Modbus RTU: a serial line with one or several devices.

use std::io;
use std::time::Duration;

use openplc_modbus::Request;
use openplc_modbus::rtu::{self, MAX_FRAME};
use serial2_tokio::{CharSize, FlowControl, SerialPort, Settings, StopBits};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::configuration::{Parity, SerialSettings};
use crate::line::LineError;

/// Bits of a character at most: start, eight, parity or stop, stop.
const CHARACTER_BITS: u32 = 11;
/// Silence between two frames, in half characters: three and a half ...
const SILENCE_HALVES: u32 = 7;
/// ... and never less than this.
const LEAST_SILENCE: Duration = Duration::from_micros(1750);

/// A serial line, open or not.
pub struct SerialLine {
    settings: SerialSettings,
    port: Option<SerialPort>,
    received: Vec<u8>,
    /// When the line was last heard, or spoken on.
    last_sign: Instant,
}

impl SerialLine {
    /// A line that is not open yet.
    pub fn new(settings: SerialSettings) -> Self {
        Self {
            settings,
            port: None,
            received: Vec::with_capacity(MAX_FRAME),
            last_sign: Instant::now(),
        }
    }

    /// The data unit that answers the request.
    pub async fn exchange(
        &mut self,
        unit: u8,
        request: &Request<'_>,
        timeout: Duration,
    ) -> Result<&[u8], LineError> {
        if self.port.is_none() {
            self.port = Some(open(&self.settings).map_err(explain).map_err(LineError::Closed)?);
        }
        let result = self.converse(unit, request, timeout).await;
        if matches!(result, Err(LineError::Closed(_))) {
            self.port = None;
        }
        let bytes = result?;
        Ok(&self.received[bytes])
    }

    /// Closes the port.
    pub fn close(&mut self) {
        self.port = None;
    }

    async fn converse(
        &mut self,
        unit: u8,
        request: &Request<'_>,
        timeout: Duration,
    ) -> Result<std::ops::Range<usize>, LineError> {
        let Some(port) = &self.port else {
            return Err(LineError::Closed(io::ErrorKind::NotConnected.into()));
        };
        sleep_until(self.last_sign + self.silence()).await;
        // What a device has said too late, or noise.
        port.discard_input_buffer().map_err(LineError::Closed)?;
        let mut frame = Vec::with_capacity(MAX_FRAME);
        rtu::encode(unit, &mut frame, |pdu| request.encode(pdu));
        // The time-out is for the device: the bytes of both frames take their own time.
        let deadline = Instant::now() + timeout + self.characters(frame.len() + MAX_FRAME);
        let silent = |_| LineError::Silent(timeout);
        let sent = timeout_at(deadline, port.write_all(&frame)).await;
        sent.map_err(silent)?.map_err(LineError::Closed)?;
        self.received.clear();
        loop {
            let mut bytes = [0; MAX_FRAME];
            let room = MAX_FRAME - self.received.len();
            let read = timeout_at(deadline, port.read(&mut bytes[..room])).await;
            self.last_sign = Instant::now();
            let count = read.map_err(silent)?.map_err(LineError::Closed)?;
            if count == 0 {
                let error = io::Error::new(io::ErrorKind::UnexpectedEof, "the serial port is gone");
                return Err(LineError::Closed(error));
            }
            self.received.extend(&bytes[..count]);
            let Some(length) = rtu::response_bytes(&self.received) else {
                continue;
            };
            if let Some(frame) = self.received.get(..length) {
                return match rtu::parse(frame) {
                    Some((from, pdu)) if from == unit => Ok(1..1 + pdu.len()),
                    _ => Err(LineError::Damaged),
                };
            }
            if length > MAX_FRAME {
                return Err(LineError::Damaged);
            }
        }
    }

    /// Time that so many characters take on the line.
    fn characters(&self, count: usize) -> Duration {
        let bits = CHARACTER_BITS * u32::try_from(count).unwrap_or(u32::MAX);
        Duration::from_secs(bits.into()) / self.settings.baud_rate
    }

    fn silence(&self) -> Duration {
        (self.characters(1) * SILENCE_HALVES / 2).max(LEAST_SILENCE)
    }
}

/// Under systemd the port may be there, and not be seen.
fn explain(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => io::Error::new(
            error.kind(),
            format!(
                "{error}; under systemd, serial ports have to be given to the unit: docs/modbus.md, Serial ports"
            ),
        ),
        _ => error,
    }
}

fn open(settings: &SerialSettings) -> io::Result<SerialPort> {
    SerialPort::open(&settings.port, |mut port: Settings| {
        port.set_raw();
        port.set_baud_rate(settings.baud_rate)?;
        port.set_char_size(CharSize::Bits8);
        port.set_parity(match settings.parity {
            Parity::None => serial2_tokio::Parity::None,
            Parity::Even => serial2_tokio::Parity::Even,
            Parity::Odd => serial2_tokio::Parity::Odd,
        });
        port.set_stop_bits(match settings.stop_bits {
            2 => StopBits::Two,
            _ => StopBits::One,
        });
        port.set_flow_control(FlowControl::None);
        Ok(port)
    })
}
