//! What devices are reached by: a TCP connection or a serial line. One request is under way at a time.

use std::io;
use std::time::Duration;

use openplc_modbus::response::{self, Content, ResponseError};
use openplc_modbus::{Exception, Request};
use thiserror::Error;

use crate::configuration::Place;
use crate::serial_line::SerialLine;
use crate::tcp_line::TcpLine;

/// Why a request has no answer.
#[derive(Debug, Error)]
pub enum LineError {
    /// Nobody is there: nothing can be said to any of the devices.
    #[error("{0}")]
    Closed(io::Error),
    /// The device does not answer.
    #[error("no answer within {} ms", .0.as_millis())]
    Silent(Duration),
    /// The device refuses.
    #[error("{0}")]
    Refused(Exception),
    /// The answer is damaged or belongs to another request.
    #[error("the answer is damaged")]
    Damaged,
}

impl From<ResponseError> for LineError {
    fn from(error: ResponseError) -> Self {
        match error {
            ResponseError::Exception(exception) => Self::Refused(exception),
            ResponseError::Foreign => Self::Damaged,
        }
    }
}

/// A connection or a serial line, open or not.
pub enum Line {
    /// Modbus TCP.
    Tcp(TcpLine),
    /// Modbus RTU.
    Serial(SerialLine),
}

impl Line {
    /// A line that is not open yet.
    pub fn new(place: Place) -> Self {
        match place {
            Place::Tcp { host, port } => Self::Tcp(TcpLine::new(host, port)),
            Place::Serial(settings) => Self::Serial(SerialLine::new(settings)),
        }
    }

    /// Asks `unit` and hands what it answers to `handle`. Opens the line where it is not; leaves it closed after
    /// [`LineError::Closed`].
    ///
    /// # Errors
    /// [`LineError`].
    pub async fn exchange<T>(
        &mut self,
        unit: u8,
        request: &Request<'_>,
        timeout: Duration,
        handle: impl FnOnce(Content<'_>) -> T,
    ) -> Result<T, LineError> {
        let pdu = match self {
            Self::Tcp(line) => line.exchange(unit, request, timeout).await?,
            Self::Serial(line) => line.exchange(unit, request, timeout).await?,
        };
        Ok(handle(response::parse(request, pdu)?))
    }

    /// Forgets the connection; the next request opens it again.
    pub fn close(&mut self) {
        match self {
            Self::Tcp(line) => line.close(),
            Self::Serial(line) => line.close(),
        }
    }
}
