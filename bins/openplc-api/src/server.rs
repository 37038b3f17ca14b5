//! The server: start, connections, end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use openplc_accounts::Accounts;
use openplc_settings::Loaded;
use openplc_settings::api::Api;
use openplc_wire::deploy::Deployer;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::application::Application;
use crate::build_log::Builds;
use crate::core_client::CoreClient;
use crate::discovery::Responder;
use crate::gate::Gate;
use crate::left_overs::LeftOvers;
use crate::metrics::Responses;
use crate::options::Options;
use crate::password_work::PasswordWork;
use crate::placed_stream::PlacedStream;
use crate::places::{Place, Places};
use crate::project::ProjectStore;
use crate::stall_guard::StallGuard;
use crate::supervisor;
use crate::tls::Certificates;

/// Longest TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Longest wait for the headers of a request, and so for the next request on a connection.
const HEADERS: Duration = Duration::from_secs(30);
/// Longest headers, and largest piece of a body, in bytes.
const BUFFER: usize = 64 << 10;
/// How long connections may go on after the order to end.
const FAREWELL: Duration = Duration::from_secs(3);
/// Threads for what blocks: one build, and the hashing of passwords.
const BLOCKING_THREADS: usize = 16;

/// Serves until SIGTERM or SIGINT.
pub fn run(options: &Options, loaded: &Loaded<Api>) -> anyhow::Result<()> {
    for problem in &loaded.problems {
        tracing::warn!("{problem}");
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build()
        .context("The event loop cannot be started")?;
    let result = runtime.block_on(serve(options, loaded));
    // A build that goes on is cancelled by the end of its connection.
    runtime.shutdown_background();
    result
}

async fn serve(options: &Options, loaded: &Loaded<Api>) -> anyhow::Result<()> {
    let settings = &loaded.settings;
    let sockets = supervisor::sockets()?;
    let listener = TcpListener::from_std(sockets.listener)?;
    let address = listener.local_addr()?;
    let accounts = Arc::new(Accounts::open(
        &options.state_directory,
        settings.session_lifetime,
    )?);
    let certificates =
        Certificates::open(&options.state_directory, &settings.tls).context("TLS cannot be set up")?;
    let acceptor = certificates.acceptor()?;
    let builds = Arc::new(Builds::new());
    let application = Arc::new(Application {
        accounts,
        passwords: PasswordWork::new(),
        core: CoreClient::new(options.core_socket.clone()),
        deployer: Deployer {
            compile_socket: options.compile_socket.clone(),
            core_socket: options.core_socket.clone(),
        },
        left_overs: LeftOvers::default(),
        builds: Arc::clone(&builds),
        projects: ProjectStore::open(&options.state_directory),
        responses: Responses::default(),
        settings_problems: loaded.problems.iter().map(ToString::to_string).collect(),
    });
    if let Some(socket) = sockets.discovery {
        let responder = Responder::new(&settings.discovery, address.port(), Arc::clone(&application));
        tokio::spawn(responder.serve(UdpSocket::from_std(socket)?));
    }
    let gate = Arc::new(Gate::new(application, settings.announced_version));
    let places = Places::new(settings.max_connections, settings.max_connections / 2);
    let (end, ended) = watch::channel(false);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(certificates.keep_fresh());
    tokio::spawn(supervisor::feed_watchdog());
    let idle_time = options
        .exit_when_idle
        .map_or(settings.exit_when_idle, Duration::from_secs);
    let idle = idle(idle_time, Arc::clone(&places), Arc::clone(&builds));
    tokio::pin!(idle);
    supervisor::ready(&format!("Serving https://{address}"));
    tracing::info!("Serving https://{address}");
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of descriptors, or the client has gone: neither gets better by trying at once.
                    tracing::warn!("A connection cannot be accepted: {error}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            () = &mut idle => break,
        };
        match places.take(peer) {
            Some(place) => {
                let (acceptor, gate, ended) = (acceptor.clone(), Arc::clone(&gate), ended.clone());
                tokio::spawn(converse(stream, peer, place, acceptor, gate, ended));
            }
            None => tracing::debug!("Connection of {peer} refused: there are too many"),
        }
    }
    supervisor::stopping();
    tracing::info!("ending");
    drop(listener);
    // Nobody listens when all connections have ended already.
    let _ = end.send(true);
    gate.close().await;
    let quiet = async {
        while places.taken() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    // What has not ended by then is cut off.
    let _ = tokio::time::timeout(FAREWELL, quiet).await;
    Ok(())
}

/// Ends when there has been neither connection nor build for `time`, rounded up to whole seconds; never if that is zero.
async fn idle(time: Duration, places: Arc<Places>, builds: Arc<Builds>) {
    if time.is_zero() {
        return std::future::pending().await;
    }
    let seconds = time.as_millis().div_ceil(1000);
    let mut idle_for = 0;
    while idle_for < seconds {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let busy = places.taken() > 0 || builds.is_reserved();
        idle_for = if busy { 0 } else { idle_for + 1 };
    }
}

/// Serves one connection.
async fn converse(
    stream: TcpStream,
    peer: SocketAddr,
    place: Place,
    acceptor: TlsAcceptor,
    gate: Arc<Gate>,
    mut ended: watch::Receiver<bool>,
) {
    // Without it answers are merely slower.
    let _ = stream.set_nodelay(true);
    let visitor = place.visitor();
    let stream = StallGuard::new(PlacedStream::new(stream, place));
    let stream = match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!("No TLS connection with {peer}: {error}"),
        Err(_) => return tracing::debug!("No TLS connection with {peer} in time"),
    };
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let (gate, visitor) = (Arc::clone(&gate), visitor.clone());
        async move { Ok::<_, Infallible>(gate.answer(request, peer, &visitor).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        _ = ended.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!("The connection of {peer} ended early: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn idle_time_is_rounded_up_and_only_zero_means_never() {
        for (time, seconds) in [(1, 1), (500, 1), (1000, 1), (1001, 2)] {
            let begin = tokio::time::Instant::now();
            idle(
                Duration::from_millis(time),
                Places::new(2, 1),
                Arc::new(Builds::new()),
            )
            .await;
            assert_eq!(begin.elapsed().as_secs(), seconds, "{time} ms");
        }
        let never = idle(Duration::ZERO, Places::new(2, 1), Arc::new(Builds::new()));
        let year = Duration::from_secs(365 * 24 * 60 * 60);
        assert!(tokio::time::timeout(year, never).await.is_err());
    }
}
