//! The body of a request, and how much of it has been sent.

use std::convert::Infallible;
use std::io::{IsTerminal, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

/// Bytes handed to the connection at a time.
const PIECE: usize = 64 * 1024;

/// A body of known size that may show how far it has been sent.
#[derive(Debug)]
pub struct Content {
    rest: Bytes,
    meter: Option<Meter>,
}

/// A display of progress on standard error.
#[derive(Debug)]
pub struct Meter {
    total: usize,
    shown: Option<usize>,
}

impl Content {
    /// Bytes whose sending is shown, when somebody looks at a terminal and `quiet` is not set.
    pub fn measured(bytes: Bytes, quiet: bool) -> Self {
        let total = bytes.len();
        let meter = (!quiet && std::io::stderr().is_terminal()).then_some(Meter { total, shown: None });
        Self { rest: bytes, meter }
    }
}

impl From<Bytes> for Content {
    fn from(rest: Bytes) -> Self {
        Self { rest, meter: None }
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let size = self.rest.len().min(PIECE);
        let piece = self.rest.split_to(size);
        let left = self.rest.len();
        if let Some(meter) = &mut self.meter {
            meter.show(meter.total - left);
        }
        Poll::Ready((!piece.is_empty()).then(|| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

impl Meter {
    fn show(&mut self, sent: usize) {
        let percent = (sent * 100).checked_div(self.total).unwrap_or(100);
        if self.shown == Some(percent) {
            return;
        }
        self.shown = Some(percent);
        let filled = percent * 30 / 100;
        let bar = format!("{}{}", "#".repeat(filled), ".".repeat(30 - filled));
        let end = if percent == 100 { "\n" } else { "" };
        eprint!(
            "\rUploading [{bar}] {percent:3} %  {} of {} KiB{end}",
            sent / 1024,
            self.total / 1024
        );
        let _ = std::io::stderr().flush();
    }
}
