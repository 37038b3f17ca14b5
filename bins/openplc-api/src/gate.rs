//! The first look at a request: foreign pages are refused, Socket.IO goes its way, everything else to its route.

use std::convert::Infallible;
use std::error::Error;
use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::Either;
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{HOST, HeaderName, HeaderValue, ORIGIN};
use hyper::http::request::Parts;
use hyper::service::Service;
use hyper::{Request, Response, StatusCode};
use openplc_settings::api::AnnouncedVersion;
use socketioxide::SocketIo;
use socketioxide::service::SocketIoService;

use crate::admission::Admission;
use crate::answers::{self, AnswerBody, COMPATIBLE_VERSION};
use crate::application::Application;
use crate::body::RequestBody;
use crate::debug_socket;
use crate::places::Visitor;
use crate::routes;

/// Path of Socket.IO.
const SOCKET_IO: &str = "/socket.io";
/// Values of OpenPLC Runtime v4.
const PING_INTERVAL: Duration = Duration::from_secs(25);
/// As [`PING_INTERVAL`].
const PING_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a session may be without having joined the debug namespace.
const JOIN_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest message from a client, in bytes: a debug command of 4 KiB takes 12 KiB of text.
const MAX_MESSAGE: usize = 64 << 10;
/// Messages to a client that may wait until it reads on. Those of a client that never does are freed with it.
const MAX_WAITING: usize = 64;

/// Every answer tells what the runtime is.
const VERSION: HeaderName = HeaderName::from_static("x-openplc-runtime-version");

/// Takes all requests.
pub struct Gate {
    application: Arc<Application>,
    announced: HeaderValue,
    socket_io: SocketIo,
    socket_service: SocketIoService<Elsewhere>,
    admission: Admission,
}

impl Gate {
    pub fn new(application: Arc<Application>, announced: AnnouncedVersion) -> Self {
        let (socket_service, socket_io) = SocketIo::builder()
            .req_path(SOCKET_IO)
            .ping_interval(PING_INTERVAL)
            .ping_timeout(PING_TIMEOUT)
            .connect_timeout(JOIN_TIMEOUT)
            .max_payload(MAX_MESSAGE as u64)
            .ws_max_message_size(MAX_MESSAGE)
            .ws_max_frame_size(MAX_MESSAGE)
            .max_buffer_size(MAX_WAITING)
            .build_with_inner_svc(Elsewhere);
        debug_socket::serve(&socket_io, &application);
        let announced = match announced {
            AnnouncedVersion::Generation => "v4",
            AnnouncedVersion::Full => COMPATIBLE_VERSION,
        };
        Self {
            application,
            announced: HeaderValue::from_static(announced),
            socket_io,
            socket_service,
            admission: Admission::default(),
        }
    }

    /// Ends all debug sessions.
    pub async fn close(&self) {
        self.socket_io.close().await;
    }

    /// Answers a request.
    pub async fn answer(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        visitor: &Visitor,
    ) -> Response<impl Body<Data = Bytes, Error = Box<dyn Error + Send + Sync>> + use<>> {
        let (parts, body) = request.into_parts();
        let mut body = RequestBody::new(body);
        let is_socket_io = parts.uri.path().starts_with(SOCKET_IO);
        let answer = if is_foreign(&parts) {
            answers::error(
                StatusCode::FORBIDDEN,
                "Requests from pages of other origins are refused",
            )
        } else if !is_socket_io {
            let request = routes::Request {
                parts: &parts,
                body: &mut body,
                peer,
                visitor,
            };
            routes::answer(&self.application, request).await
        } else if begins_polling(&parts) && !self.admission.admits(peer, Instant::now()) {
            answers::error(
                StatusCode::TOO_MANY_REQUESTS,
                "Too many new sessions. Try again in a few seconds",
            )
        } else {
            let mut request = Request::from_parts(parts, body);
            // The debugger's channel finds out who it is.
            request.extensions_mut().insert(visitor.clone());
            return match self.socket_service.call(request).await {
                Ok(response) => response.map(Either::Left),
                Err(never) => match never {},
            };
        };
        if !body.is_end_stream() {
            tokio::spawn(body.drain());
        }
        let mut response = Response::from(answer);
        response.headers_mut().insert(VERSION, self.announced.clone());
        self.application.responses.count(response.status());
        response.map(Either::Right)
    }
}

/// What Socket.IO's service takes for everything that is not its own.
#[derive(Clone)]
struct Elsewhere;

impl Service<Request<RequestBody>> for Elsewhere {
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn call(&self, _: Request<RequestBody>) -> Self::Future {
        ready(Ok(answers::error(StatusCode::NOT_FOUND, "Not found").into()))
    }
}

/// Whether a page of another origin sends this. The Editor and scripts send no origin, a page of this host its own.
fn is_foreign(parts: &Parts) -> bool {
    let Some(origin) = parts.headers.get(ORIGIN) else {
        return false;
    };
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    let origin = origin
        .to_str()
        .ok()
        .and_then(|origin| origin.split_once("://"))
        .map(|(_, host)| host);
    match (origin, host) {
        (Some(origin), Some(host)) => !origin.eq_ignore_ascii_case(host),
        _ => true,
    }
}

/// Whether a request to Socket.IO opens a new session that is kept although its connection ends.
fn begins_polling(parts: &Parts) -> bool {
    let query = parts.uri.query().unwrap_or_default();
    !query
        .split('&')
        .any(|pair| pair.starts_with("sid=") || pair == "transport=websocket")
}
