//! Modbus TCP: one connection to a device or a gateway.

use std::future::Future;
use std::io;
use std::time::Duration;

use openplc_modbus::Request;
use openplc_modbus::tcp::{self, Frame, Header, MAX_FRAME};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use crate::line::LineError;

/// After so many requests without an answer the connection is made anew: the other end may have forgotten it. Not after one,
/// as a gateway may serve others well while one device is off.
const SILENCES: u32 = 2;

/// A connection, or none yet.
pub struct TcpLine {
    host: String,
    port: u16,
    stream: Option<TcpStream>,
    transaction: u16,
    received: Vec<u8>,
    /// Bytes of `received` that were the last answer.
    handled: usize,
    silences: u32,
}

impl TcpLine {
    /// A connection that is not there yet.
    pub fn new(host: String, port: u16) -> Self {
        Self {
            host,
            port,
            stream: None,
            transaction: 0,
            received: Vec::with_capacity(2 * MAX_FRAME),
            handled: 0,
            silences: 0,
        }
    }

    /// The data unit that answers the request.
    pub async fn exchange(
        &mut self,
        unit: u8,
        request: &Request<'_>,
        timeout: Duration,
    ) -> Result<&[u8], LineError> {
        let deadline = Instant::now() + timeout;
        if self.stream.is_none() {
            let connecting = TcpStream::connect((self.host.as_str(), self.port));
            // Nobody is there for any of the devices.
            let stream = timeout_at(deadline, connecting).await;
            let stream = stream.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
            let stream = stream.map_err(LineError::Closed)?;
            stream.set_nodelay(true).map_err(LineError::Closed)?;
            self.received.clear();
            self.handled = 0;
            self.silences = 0;
            self.stream = Some(stream);
        }
        let result = self.converse(unit, request, deadline, timeout).await;
        match &result {
            Ok(_) => self.silences = 0,
            Err(LineError::Silent(_)) => self.silences += 1,
            Err(_) => {}
        }
        if matches!(result, Err(LineError::Closed(_))) || self.silences >= SILENCES {
            self.stream = None;
        }
        let bytes = result?;
        Ok(&self.received[bytes])
    }

    /// Closes the connection.
    pub fn close(&mut self) {
        self.stream = None;
    }

    async fn converse(
        &mut self,
        unit: u8,
        request: &Request<'_>,
        deadline: Instant,
        timeout: Duration,
    ) -> Result<std::ops::Range<usize>, LineError> {
        let Some(stream) = &mut self.stream else {
            return Err(LineError::Closed(io::ErrorKind::NotConnected.into()));
        };
        self.transaction = self.transaction.wrapping_add(1);
        let header = Header {
            transaction: self.transaction,
            unit,
        };
        let mut frame = Vec::with_capacity(MAX_FRAME);
        tcp::encode(header, &mut frame, |pdu| request.encode(pdu));
        in_time(deadline, timeout, stream.write_all(&frame)).await?;
        loop {
            self.received.drain(..self.handled);
            self.handled = 0;
            let foreign = |error| LineError::Closed(io::Error::new(io::ErrorKind::InvalidData, error));
            while let Some(answer) = Frame::parse(&self.received).map_err(foreign)? {
                let bytes = answer.bytes;
                if answer.header.transaction == self.transaction {
                    self.handled = bytes;
                    return Ok(tcp::HEADER..bytes);
                }
                // A late answer to an earlier request.
                self.received.drain(..bytes);
            }
            let mut room = (&mut *stream).take((2 * MAX_FRAME - self.received.len()) as u64);
            if in_time(deadline, timeout, room.read_buf(&mut self.received)).await? == 0 {
                let error = io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the device has closed the connection",
                );
                return Err(LineError::Closed(error));
            }
        }
    }
}

/// What `work` results in, if it does before the deadline.
async fn in_time<T>(
    deadline: Instant,
    timeout: Duration,
    work: impl Future<Output = io::Result<T>>,
) -> Result<T, LineError> {
    match timeout_at(deadline, work).await {
        Ok(result) => result.map_err(LineError::Closed),
        Err(_) => Err(LineError::Silent(timeout)),
    }
}
