//! The form of every answer.

use std::io;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};
use serde::Serialize;
use serde_json::json;

/// Version of OpenPLC Runtime that this one is compatible with. The Editor uploads to 4.1.0 and later; from 4.3.0 on it
/// would send files that are not understood here.
pub const COMPATIBLE_VERSION: &str = "v4.2.3";

const JSON: &str = "application/json";

/// What a route answers: a JSON document, as a rule.
#[derive(Debug)]
pub struct Answer {
    status: StatusCode,
    content_type: &'static str,
    body: AnswerBody,
    header: Option<(HeaderName, HeaderValue)>,
}

/// What is sent as an answer's body: whole, or made while it is sent.
pub type AnswerBody = UnsyncBoxBody<Bytes, io::Error>;

fn whole(body: impl Into<Bytes>) -> AnswerBody {
    Full::new(body.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// A JSON document.
pub fn json(status: StatusCode, document: &impl Serialize) -> Answer {
    match serde_json::to_vec(document) {
        Ok(body) => Answer {
            status,
            content_type: JSON,
            body: whole(body),
            header: None,
        },
        Err(error) => {
            tracing::error!("An answer cannot be encoded: {error}");
            let body = Bytes::from_static(br#"{"error":"The answer could not be encoded"}"#);
            Answer {
                status: StatusCode::INTERNAL_SERVER_ERROR,
                content_type: JSON,
                body: whole(body),
                header: None,
            }
        }
    }
}

/// 200 with a JSON document.
pub fn ok(document: &impl Serialize) -> Answer {
    json(StatusCode::OK, document)
}

/// 200 with a text of this type.
pub fn text(content_type: &'static str, text: String) -> Answer {
    Answer {
        status: StatusCode::OK,
        content_type,
        body: whole(text),
        header: None,
    }
}

/// 200 with a JSON document of `length` bytes that is made while it is sent.
pub fn stream(length: u64, pieces: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Answer {
    Answer {
        status: StatusCode::OK,
        content_type: JSON,
        body: StreamBody::new(pieces.map(|piece| piece.map(Frame::data))).boxed_unsync(),
        header: Some((CONTENT_LENGTH, length.into())),
    }
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
    Answer {
        header: Some((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
        ..message(StatusCode::UNAUTHORIZED, text)
    }
}

/// 405, with the methods that there are, separated by commas.
pub fn method_not_allowed(allowed: &'static str) -> Answer {
    let text = format!("Only {allowed} is possible here");
    Answer {
        header: Some((ALLOW, HeaderValue::from_static(allowed))),
        ..error(StatusCode::METHOD_NOT_ALLOWED, &text)
    }
}

impl Answer {
    /// Says that name and password are accepted beside a token.
    pub fn asking_for_password(self) -> Self {
        let schemes = "Bearer, Basic realm=\"OpenPLC Runtime\", charset=\"UTF-8\"";
        Self {
            header: Some((WWW_AUTHENTICATE, HeaderValue::from_static(schemes))),
            ..self
        }
    }
}

impl From<Answer> for Response<AnswerBody> {
    fn from(answer: Answer) -> Self {
        let mut response = Response::new(answer.body);
        *response.status_mut() = answer.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Some((name, value)) = answer.header {
            headers.insert(name, value);
        }
        response
    }
}
