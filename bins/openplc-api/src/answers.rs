//! The form of every answer.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};
use serde::Serialize;
use serde_json::json;

/// Version of OpenPLC Runtime that this one is compatible with. The Editor uploads to 4.1.0 and later; from 4.3.0 on it
/// would send files that are not understood here.
pub const COMPATIBLE_VERSION: &str = "v4.2.3";

/// The Editor 4.1 connects to exactly this value only.
const GENERATION: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-openplc-runtime-version"), HeaderValue::from_static("v4"));

/// What a route answers.
pub type Answer = Response<Full<Bytes>>;

/// A JSON document.
pub fn json(status: StatusCode, document: &impl Serialize) -> Answer {
    let (status, body) = match serde_json::to_vec(document) {
        Ok(body) => (status, body),
        Err(error) => {
            tracing::error!(%error, "an answer could not be encoded");
            (StatusCode::INTERNAL_SERVER_ERROR, br#"{"error":"The answer could not be encoded"}"#.to_vec())
        }
    };
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

/// 200 with a JSON document.
pub fn ok(document: &impl Serialize) -> Answer {
    json(StatusCode::OK, document)
}

/// `{"msg": …}`: how the account endpoints speak.
pub fn message(status: StatusCode, text: &str) -> Answer {
    json(status, &json!({ "msg": text }))
}

/// `{"error": …}`: how everything else speaks.
pub fn error(status: StatusCode, text: &str) -> Answer {
    json(status, &json!({ "error": text }))
}

/// 401, which makes the Editor log in again.
pub fn unauthenticated(text: &str) -> Answer {
    let mut answer = message(StatusCode::UNAUTHORIZED, text);
    answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    answer
}

/// Adds what every answer carries.
pub fn finish<B>(answer: &mut Response<B>) {
    let headers = answer.headers_mut();
    headers.insert(GENERATION.0, GENERATION.1);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
}
